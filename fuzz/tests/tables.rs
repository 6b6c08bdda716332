//! Tables do what a map does, with steps of the collector in between.

use perilune_fuzz::{property, tables};

#[test]
fn tables_hold_what_was_stored() {
    property::check("tables", 400, tables::tell_all);
}
