//! The compiler (to be written).
mod chunkid;
mod zio;
pub(crate) use chunkid::chunk_id;
pub use zio::ChunkReader;
pub(crate) use zio::Zio;
pub(crate) fn parse(
    _lua: &mut crate::state::LuaState,
    _input: &mut Zio<'_>,
    _chunkname: &[u8],
    _first: Option<u8>,
) -> crate::error::LuaResult<()> {
    Err(crate::error::Thrown::Syntax)
}
