//! Sending and receiving on connections: what is received is buffered in the object, what is sent is not.
//!
//! A result grows in the state's memory, so what a peer sends without end meets the state's limit. Making room may run
//! finalizers, which may use the very socket; so room is made first, and then bytes are moved without anything between.

use perilune_vm::{Buffer, LuaResult, LuaState};

use super::failure::{Failure, Outcome};
use super::object::{BUFFER_SIZE, Channel, Socket};
use super::sys;
use super::timeout::now;

/// What is received at once outside of the object's buffer, at most.
const MAX_PIECE: usize = 1 << 20;
/// Results up to this size need no buffer.
const SHORT: usize = 512;

impl Socket {
    /// Receives some bytes into a place, at least one.
    pub(super) fn receive_into(&self, room: &mut [u8]) -> Outcome<usize> {
        match self.channel.get() {
            Channel::Socket => sys::receive(self.fd.get(), room, &self.timeout),
            Channel::Device => sys::read(self.fd.get(), room, &self.timeout),
        }
    }

    /// Sees to it that there is something unread.
    #[doc(alias = "buffer_get")]
    fn ensure_unread(&self) -> Outcome<()> {
        if self.unread_len() == 0 {
            self.fill(|room| self.receive_into(room))?;
        }
        Ok(())
    }

    /// Sends all bytes, as far as possible, and says how many were sent and what stopped that.
    #[doc(alias = "sendraw")]
    fn send_all(&self, bytes: &[u8]) -> (usize, Outcome<()>) {
        let mut total = 0;
        let mut outcome = Ok(());
        while total < bytes.len() && outcome.is_ok() {
            let rest = &bytes[total..];
            let sent = match self.channel.get() {
                Channel::Socket => sys::send(self.fd.get(), rest, &self.timeout),
                Channel::Device => sys::write(self.fd.get(), rest, &self.timeout),
            };
            outcome = sent.map(|sent| total += sent);
        }
        self.sent.set(self.sent.get().wrapping_add(total as u64));
        (total, outcome)
    }
}

/// `client:send (data [, i [, j]])`, for a client that is the first argument.
#[doc(alias = "buffer_meth_send")]
pub(super) fn send(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    // SAFETY: L1.
    let data = unsafe { lua.check_str(2)?.bytes() };
    let len = data.len() as i64;
    // As in C, positions are numbers of which the fraction is dropped.
    let start = lua.opt_number(3, 1.0)? as i64;
    let end = lua.opt_number(4, -1.0)? as i64;
    let from_end = |position: i64| if position < 0 { position.saturating_add(len + 1) } else { position };
    let (start, end) = (from_end(start).max(1), from_end(end).min(len));
    socket.timeout.begin();
    let (sent, outcome) =
        if start <= end { socket.send_all(&data[start as usize - 1..end as usize]) } else { (0, Ok(())) };
    let last = (sent as i64).saturating_add(start - 1) as f64;
    match outcome {
        Ok(()) => {
            lua.push_number(last)?;
            lua.push_nil()?;
            lua.push_nil()?;
        }
        Err(failure) => {
            failure.results(lua)?;
            lua.push_number(last)?;
        }
    }
    Ok(3)
}

/// What a script wants to receive.
#[derive(Clone, Copy)]
enum Pattern {
    /// A line, without its end: `*l`.
    Line,
    /// Everything until the connection is closed: `*a`.
    All,
    /// A number of bytes, besides the prefix.
    Bytes(usize),
    /// Nothing, because the prefix is all that is wanted.
    Nothing,
}

impl Pattern {
    /// What the second argument asks for, if a prefix of some length is there already.
    fn check(lua: &mut LuaState, prefix_len: usize) -> LuaResult<Self> {
        if lua.is_number(2) {
            let count = lua.to_number(2).unwrap_or(-1.0);
            lua.arg_check(count >= 0.0, 2, "invalid receive pattern")?;
            return Ok(match (count as usize).checked_sub(prefix_len) {
                Some(0) | None if prefix_len > 0 => Self::Nothing,
                rest => Self::Bytes(rest.unwrap_or(0)),
            });
        }
        // SAFETY: L1.
        match lua.opt_str(2)?.map_or(&b"*l"[..], |pattern| unsafe { pattern.bytes() }) {
            [b'*', b'l', ..] => Ok(Self::Line),
            [b'*', b'a', ..] => Ok(Self::All),
            _ => Err(lua.arg_error(2, "invalid receive pattern")),
        }
    }
}

/// `client:receive ([pattern [, prefix]])`, for a client that is the first argument.
#[doc(alias = "buffer_meth_receive")]
pub(super) fn receive(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    // SAFETY: L1.
    let prefix = lua.opt_str(3)?.map_or(&b""[..], |prefix| unsafe { prefix.bytes() });
    socket.timeout.begin();
    lua.set_top(3)?;
    let pattern = Pattern::check(lua, prefix.len())?;
    if prefix.is_empty()
        && let Some(results) = receive_short(lua, socket, pattern)?
    {
        return Ok(results);
    }
    let mut buffer = Buffer::new(lua)?;
    buffer.extend(lua, prefix)?;
    let outcome = match pattern {
        Pattern::Line => receive_line(lua, socket, &mut buffer)?,
        Pattern::All => receive_all(lua, socket, &mut buffer)?,
        Pattern::Bytes(count) => receive_bytes(lua, socket, &mut buffer, count)?,
        Pattern::Nothing => Ok(()),
    };
    buffer.finish(lua)?;
    match outcome {
        Ok(()) => complete(lua),
        Err(failure) => {
            let partial = lua.get_top();
            failure.results(lua)?;
            lua.push_value(partial)?;
            Ok(3)
        }
    }
}

/// Returns the string on top as what was asked for.
fn complete(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_nil()?;
    lua.push_nil()?;
    Ok(3)
}

/// Receives what is short without a buffer and returns it; nothing happens to the bytes if they are not so.
fn receive_short(lua: &mut LuaState, socket: &Socket, pattern: Pattern) -> LuaResult<Option<usize>> {
    if !matches!(pattern, Pattern::Line | Pattern::Bytes(1..=SHORT)) {
        return Ok(None);
    }
    if let Err(failure) = socket.ensure_unread() {
        failure.results(lua)?;
        lua.push_str("")?;
        return Ok(Some(3));
    }
    let mut short = [0; SHORT];
    // SAFETY: nothing is allocated or received before the bytes are copied.
    let unread = unsafe { socket.unread() };
    let (len, skipped) = match pattern {
        Pattern::Line => match unread.iter().take(SHORT).position(|&byte| byte == b'\n') {
            Some(end) => (copy_line(&unread[..end], &mut short), end + 1),
            None => return Ok(None),
        },
        Pattern::Bytes(count) if count <= unread.len() => {
            short[..count].copy_from_slice(&unread[..count]);
            (count, count)
        }
        _ => return Ok(None),
    };
    socket.skip(skipped);
    lua.push_bytes(&short[..len])?;
    complete(lua).map(Some)
}

/// Copies bytes but the carriage returns, for which there is room, and says how many.
fn copy_line(line: &[u8], room: &mut [u8]) -> usize {
    // Mostly the only one is at the end, and belongs to the line's end.
    let plain = line.strip_suffix(b"\r").unwrap_or(line);
    if !plain.contains(&b'\r') {
        room[..plain.len()].copy_from_slice(plain);
        return plain.len();
    }
    let mut len = 0;
    for (place, &byte) in room.iter_mut().zip(line.iter().filter(|&&byte| byte != b'\r')) {
        *place = byte;
        len += 1;
    }
    len
}

/// Receives up to the end of the line. Carriage returns are dropped wherever they stand.
#[doc(alias = "recvline")]
fn receive_line(lua: &mut LuaState, socket: &Socket, buffer: &mut Buffer) -> LuaResult<Outcome<()>> {
    loop {
        if let Err(failure) = socket.ensure_unread() {
            return Ok(Err(failure));
        }
        // SAFETY: nothing is allocated or received before the position is known.
        let end = unsafe { socket.unread() }.iter().position(|&byte| byte == b'\n');
        let wanted = end.unwrap_or(socket.unread_len());
        buffer.reserve(lua, wanted)?;
        // Making the same room again does not allocate; what is unread now may be something else.
        let room = buffer.reserve(lua, wanted)?;
        // SAFETY: nothing is allocated or received before the bytes are copied.
        let unread = unsafe { socket.unread() };
        let within = &unread[..unread.len().min(wanted + 1)];
        let end = within.iter().position(|&byte| byte == b'\n');
        let line = &within[..end.unwrap_or(within.len().min(wanted))];
        let len = copy_line(line, room);
        let skipped = line.len() + usize::from(end.is_some());
        buffer.advance(len);
        socket.skip(skipped);
        if end.is_some() {
            return Ok(Ok(()));
        }
    }
}

/// Moves unread bytes into a buffer, at most `count` of them, and says how many.
pub(super) fn take_unread(lua: &mut LuaState, socket: &Socket, buffer: &mut Buffer, count: usize) -> LuaResult<usize> {
    let wanted = socket.unread_len().min(count);
    buffer.reserve(lua, wanted)?;
    let room = buffer.reserve(lua, wanted)?;
    // SAFETY: nothing is allocated or received before the bytes are copied.
    let unread = unsafe { socket.unread() };
    let len = unread.len().min(wanted);
    room[..len].copy_from_slice(&unread[..len]);
    buffer.advance(len);
    socket.skip(len);
    Ok(len)
}

/// Receives much into a buffer without a detour, at most `count` bytes, and says how many. Nothing must be unread.
fn receive_directly(
    lua: &mut LuaState,
    socket: &Socket,
    buffer: &mut Buffer,
    count: usize,
) -> LuaResult<Outcome<usize>> {
    let wanted = count.min(buffer.len().clamp(BUFFER_SIZE, MAX_PIECE));
    buffer.reserve(lua, wanted)?;
    if socket.unread_len() > 0 {
        // A finalizer has received something: that comes first.
        return Ok(Ok(0));
    }
    let room = buffer.reserve(lua, wanted)?;
    let outcome = socket.receive_into(&mut room[..wanted]);
    if let Ok(len) = outcome {
        buffer.advance(len);
        socket.received.set(socket.received.get().wrapping_add(len as u64));
    }
    Ok(outcome)
}

/// Receives a number of bytes. If that is none, something must be there nevertheless.
#[doc(alias = "recvraw")]
fn receive_bytes(lua: &mut LuaState, socket: &Socket, buffer: &mut Buffer, count: usize) -> LuaResult<Outcome<()>> {
    let mut left = count;
    loop {
        if left >= BUFFER_SIZE && socket.unread_len() == 0 {
            match receive_directly(lua, socket, buffer, left)? {
                Ok(len) => left -= len,
                Err(failure) => return Ok(Err(failure)),
            }
        } else {
            if let Err(failure) = socket.ensure_unread() {
                return Ok(Err(failure));
            }
            left -= take_unread(lua, socket, buffer, left)?;
        }
        if left == 0 {
            return Ok(Ok(()));
        }
    }
}

/// Receives until the connection is closed, which is an error only if nothing came before.
#[doc(alias = "recvall")]
fn receive_all(lua: &mut LuaState, socket: &Socket, buffer: &mut Buffer) -> LuaResult<Outcome<()>> {
    let mut total = take_unread(lua, socket, buffer, usize::MAX)?;
    loop {
        match receive_directly(lua, socket, buffer, usize::MAX)? {
            Ok(len) => total += len,
            Err(Failure::Closed) if total > 0 => return Ok(Ok(())),
            Err(failure) => return Ok(Err(failure)),
        }
        total += take_unread(lua, socket, buffer, usize::MAX)?;
    }
}

/// `client:getstats ()`, for a client that is the first argument.
#[doc(alias = "buffer_meth_getstats")]
pub(super) fn getstats(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    lua.push_number(socket.received.get() as f64)?;
    lua.push_number(socket.sent.get() as f64)?;
    lua.push_number(now() - socket.birthday.get())?;
    Ok(3)
}

/// `client:setstats ([received [, sent [, age]]])`, for a client that is the first argument.
#[doc(alias = "buffer_meth_setstats")]
pub(super) fn setstats(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    let received = lua.opt_number(2, socket.received.get() as f64)?;
    socket.received.set(received as i64 as u64);
    let sent = lua.opt_number(3, socket.sent.get() as f64)?;
    socket.sent.set(sent as i64 as u64);
    if let Some(age) = lua.to_number(4) {
        socket.birthday.set(now() - age);
    }
    lua.push_number(1.0)?;
    Ok(1)
}
