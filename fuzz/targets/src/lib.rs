//! What the fuzz targets share. Each only hands its bytes to a generator of `perilune-fuzz`, and what comes of them to an oracle.

use std::fmt::Debug;

use arbitrary::Arbitrary;
use perilune_fuzz::library::{Family, Session};
use perilune_fuzz::property;
use perilune_fuzz::reference::Perilune;

#[path = "../../tests/common/reference.rs"]
pub mod reference;

/// A value that has a property, unless bytes stand for none.
///
/// # Panics
/// It does not have the property.
pub fn holds<T, R>(bytes: &[u8], property: impl Fn(&T) -> Result<R, String>)
where
    T: for<'a> Arbitrary<'a> + Debug,
{
    if let Some(value) = property::from_bytes::<T>(bytes)
        && let Err(fault) = property(&value)
    {
        panic!("{fault}\nfor {value:#?}");
    }
}

/// Calls of a family of library functions, which the reference implementation answers in the same way.
///
/// # Panics
/// It does not.
pub fn agree<F: Family>(bytes: &[u8]) {
    holds(bytes, |session: &Session<F>| match session.differs(&mut Perilune, &mut reference::Puc) {
        Some(difference) => Err(difference),
        None => Ok(()),
    });
}
