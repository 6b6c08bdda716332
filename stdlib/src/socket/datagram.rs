//! Datagrams, of UDP and of the Unix domain.
//!
//! What is asked for in the usual size comes through the object's buffer; more comes through a buffer in the state's memory.

use perilune_vm::{Buffer, LuaResult, LuaState};
use socket2::SockAddr;

use super::failure::{Failure, Outcome};
use super::object::{BUFFER_SIZE, Socket};
use super::sys;

/// The size of datagrams that a script gets if it does not ask for larger ones.
pub(super) const DATAGRAM_SIZE: usize = BUFFER_SIZE;
/// The largest room that is made for a datagram; no larger ones can be sent, but for what an administrator may set up.
const MAX_DATAGRAM: usize = 1 << 20;
/// Datagrams up to this size need no buffer.
const SHORT: usize = 512;

/// The results of a failure. A closed socket is one that refuses, to datagrams.
#[doc(alias = "udp_strerror")]
pub(super) fn failed(lua: &mut LuaState, failure: Failure) -> LuaResult<usize> {
    match failure {
        Failure::Closed => Failure::Text("refused").results(lua),
        failure => failure.results(lua),
    }
}

/// Returns how many bytes were sent.
pub(super) fn sent_results(lua: &mut LuaState, outcome: Outcome<usize>) -> LuaResult<usize> {
    match outcome {
        Ok(sent) => {
            lua.push_number(sent as f64)?;
            Ok(1)
        }
        Err(failure) => failed(lua, failure),
    }
}

/// `connected:send (datagram)`, for an object that is the first argument.
pub(super) fn send(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    // SAFETY: L1.
    let data = unsafe { lua.check_str(2)?.bytes() };
    socket.timeout.begin();
    let outcome = sys::send(socket.fd.get(), data, &socket.timeout);
    sent_results(lua, outcome)
}

/// `object:receive ([size])`, for an object that is the first argument.
pub(super) fn receive(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    let received = push_datagram(
        lua,
        |room| {
            socket.timeout.begin();
            match sys::receive(socket.fd.get(), room, &socket.timeout) {
                Ok(len) => Ok((len, ())),
                // Unlike in a stream, nothing is a datagram too. In the original, also a closed socket gives that.
                Err(Failure::Closed) => Ok((0, ())),
                Err(failure) => Err(failure),
            }
        },
        socket,
    )?;
    match received {
        Ok(()) => Ok(1),
        Err(failure) => failed(lua, failure),
    }
}

/// Receives a datagram and pushes it, and says who sent it, for an object that is the first argument.
pub(super) fn receive_from(lua: &mut LuaState, socket: &Socket) -> LuaResult<Outcome<SockAddr>> {
    push_datagram(
        lua,
        |room| {
            socket.timeout.begin();
            sys::receive_from(socket.fd.get(), room, &socket.timeout)
        },
        socket,
    )
}

/// Receives a datagram of the size that the second argument says, with a function that asks the system, and pushes it.
fn push_datagram<T>(
    lua: &mut LuaState,
    receive: impl FnOnce(&mut [u8]) -> Outcome<(usize, T)>,
    socket: &Socket,
) -> LuaResult<Outcome<T>> {
    let size = lua.opt_number(2, DATAGRAM_SIZE as f64)?;
    if size < 0.0 {
        // In C this is a huge number.
        return Ok(Err(Failure::Text("out of memory")));
    }
    let size = (size as usize).min(MAX_DATAGRAM);
    let mut buffer = Buffer::new(lua)?;
    if size > DATAGRAM_SIZE {
        let room = buffer.reserve(lua, size)?;
        return match receive(&mut room[..size]) {
            Ok((len, from)) => {
                buffer.finish_reserved(lua, len)?;
                Ok(Ok(from))
            }
            Err(failure) => Ok(Err(failure)),
        };
    }
    let mut extra = None;
    let filled = socket.fill(|room| {
        let (len, from) = receive(&mut room[..size])?;
        extra = Some(from);
        Ok(len)
    });
    let len = match filled {
        Ok(len) => len,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut short = [0; SHORT];
    if len <= SHORT {
        // SAFETY: nothing is allocated or received before the bytes are copied.
        short[..len].copy_from_slice(unsafe { socket.unread() });
        socket.skip(len);
        lua.push_bytes(&short[..len])?;
    } else {
        let taken = super::stream::take_unread(lua, socket, &mut buffer, len);
        // Without memory for it the datagram is lost, so that nobody takes it for the next one.
        socket.skip(socket.unread_len());
        taken?;
        buffer.finish(lua)?;
    }
    Ok(extra.ok_or(Failure::Closed))
}
