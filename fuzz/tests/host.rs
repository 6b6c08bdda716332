//! Nothing that a host does by safe functions harms the memory of a state.

use std::cell::Cell;

use perilune_fuzz::{host, property};

#[test]
fn natives_gone_wild() {
    // With a collection at every allocation a session takes a hundred times as long.
    let cases = if cfg!(gc_zeal) { 20 } else { 2000 };
    let operations = Cell::new(0);
    property::check_values("host", cases, property::values_of_size(64..=4096), |session| {
        operations.set(operations.get() + u64::from(host::survives(session)?));
        Ok(())
    });
    // Sessions that end at once would harm nothing either.
    assert!(operations.get() > 15 * u64::from(cases), "{operations:?}");
}
