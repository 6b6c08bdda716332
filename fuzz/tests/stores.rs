//! What is stored while the collector is at work stays, and the heap stays whole.

use perilune_fuzz::{property, stores};

#[test]
fn stores_keep_the_heap_whole() {
    property::check_values("stores", 400, property::values_of_size(32..=512), stores::keeps_the_heap_whole);
}
