//! System calls on sockets, and waiting.
//!
//! A descriptor is a plain number here, since a script may set any (`setfd`): the system checks it at each call, and what is no
//! descriptor is an error. Every socket is non-blocking; to wait is to poll. Interrupted calls begin again, and writing to
//! what is closed raises no signal.

use core::ffi::{c_int, c_short};
use core::mem::MaybeUninit;
use std::io;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use libc::{pollfd, socklen_t};
use socket2::{Domain, Protocol, SockAddr, Type};

use super::failure::{Failure, Outcome};
use super::timeout::Timeout;
use crate::result::last_error;

/// A descriptor.
pub(super) type Descriptor = c_int;
/// What stands for a closed socket, or for one that is not made yet.
#[doc(alias = "SOCKET_INVALID")]
pub(super) const INVALID: Descriptor = -1;
/// How sending is kept from raising `SIGPIPE`.
const SEND_FLAGS: c_int = libc::MSG_NOSIGNAL;

/// Makes a socket, non-blocking and not for children of the process.
pub(super) fn create(family: c_int, kind: c_int, protocol: c_int) -> Outcome<Descriptor> {
    let protocol = (protocol != 0).then(|| Protocol::from(protocol));
    let made = socket2::Socket::new(Domain::from(family), Type::from(kind), protocol)
        .and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    made.map(IntoRawFd::into_raw_fd).map_err(|error| Failure::from_io(&error))
}

/// Makes a descriptor non-blocking.
pub(super) fn set_nonblocking(fd: Descriptor) {
    // SAFETY: the call takes any descriptor and touches no memory.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK);
    }
}

/// Closes a descriptor.
pub(super) fn close(fd: Descriptor) {
    // SAFETY: as above.
    unsafe { libc::close(fd) };
}

/// Waits until one of some descriptors is ready or the time is up, and says how many are ready. An interrupted wait is an
/// error, since time has passed.
pub(super) fn poll_once(fds: &mut [pollfd], limit: Option<Duration>) -> Result<usize, c_int> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let ready = {
        let limit =
            limit.map(|limit| libc::timespec { tv_sec: limit.as_secs() as _, tv_nsec: limit.subsec_nanos() as _ });
        let limit = limit.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: the slice is valid for its length; the limit is null or valid.
        unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as _, limit, core::ptr::null()) }
    };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let ready = {
        // Rounded up, so that nobody waits for less than a millisecond in a busy loop.
        let limit =
            limit.map_or(-1, |limit| c_int::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX));
        // SAFETY: the slice is valid for its length.
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as _, limit) }
    };
    usize::try_from(ready).map_err(|_| last_error())
}

/// The same, and an interrupted wait goes on.
pub(super) fn poll(fds: &mut [pollfd], timeout: &Timeout) -> Result<usize, c_int> {
    loop {
        match poll_once(fds, timeout.remaining()) {
            Err(libc::EINTR) => {}
            result => return result,
        }
    }
}

/// Waits until a descriptor is ready for one of some events, and says for which.
#[doc(alias = "socket_waitfd")]
fn wait(fd: Descriptor, events: c_short, timeout: &Timeout) -> Outcome<c_short> {
    if timeout.is_zero() {
        return Err(Failure::Timeout);
    }
    let mut watched = pollfd { fd, events, revents: 0 };
    match poll(core::slice::from_mut(&mut watched), timeout) {
        Ok(0) => Err(Failure::Timeout),
        Ok(_) => Ok(watched.revents),
        Err(code) => Err(Failure::System(code)),
    }
}

/// Does what may have to wait for an event first, until it is done or the time is up. The closure returns what the system
/// does: a negative number and a code, or what the operation gives.
fn attempt(fd: Descriptor, event: c_short, timeout: &Timeout, mut operation: impl FnMut() -> isize) -> Outcome<usize> {
    if fd == INVALID {
        return Err(Failure::Closed);
    }
    loop {
        if let Ok(done) = usize::try_from(operation()) {
            return Ok(done);
        }
        match last_error() {
            libc::EINTR => {}
            code if code == libc::EAGAIN || code == libc::EWOULDBLOCK => {
                wait(fd, event, timeout)?;
            }
            code => return Err(Failure::System(code)),
        }
    }
}

/// An outcome of sending: a broken pipe means that the connection is closed.
fn sent(outcome: Outcome<usize>) -> Outcome<usize> {
    outcome.map_err(|failure| if failure == Failure::System(libc::EPIPE) { Failure::Closed } else { failure })
}

/// An outcome of receiving: nothing means that the connection is closed, or a datagram without contents.
fn received(outcome: Outcome<usize>) -> Outcome<usize> {
    outcome.and_then(|len| if len == 0 { Err(Failure::Closed) } else { Ok(len) })
}

/// Sends some of the bytes, and says how many.
#[doc(alias = "socket_send")]
pub(super) fn send(fd: Descriptor, bytes: &[u8], timeout: &Timeout) -> Outcome<usize> {
    // SAFETY: the slice is valid for its length.
    let send = || unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), SEND_FLAGS) };
    sent(attempt(fd, libc::POLLOUT, timeout, send))
}

/// Sends a datagram to an address.
#[doc(alias = "socket_sendto")]
pub(super) fn send_to(fd: Descriptor, bytes: &[u8], to: &SockAddr, timeout: &Timeout) -> Outcome<usize> {
    let (data, len) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: slice and address are valid for their lengths.
    let send = || unsafe { libc::sendto(fd, data, len, SEND_FLAGS, to.as_ptr().cast(), to.len()) };
    sent(attempt(fd, libc::POLLOUT, timeout, send))
}

/// Writes some of the bytes to what is no socket, and says how many.
#[doc(alias = "socket_write")]
pub(super) fn write(fd: Descriptor, bytes: &[u8], timeout: &Timeout) -> Outcome<usize> {
    // SAFETY: the slice is valid for its length.
    let write = || unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    sent(attempt(fd, libc::POLLOUT, timeout, write))
}

/// Receives what there is, at least one byte.
#[doc(alias = "socket_recv")]
pub(super) fn receive(fd: Descriptor, room: &mut [u8], timeout: &Timeout) -> Outcome<usize> {
    // SAFETY: the slice is valid for its length.
    let receive = || unsafe { libc::recv(fd, room.as_mut_ptr().cast(), room.len(), 0) };
    received(attempt(fd, libc::POLLIN, timeout, receive))
}

/// Reads what there is from what is no socket, at least one byte.
#[doc(alias = "socket_read")]
pub(super) fn read(fd: Descriptor, room: &mut [u8], timeout: &Timeout) -> Outcome<usize> {
    // SAFETY: the slice is valid for its length.
    let read = || unsafe { libc::read(fd, room.as_mut_ptr().cast(), room.len()) };
    received(attempt(fd, libc::POLLIN, timeout, read))
}

/// Receives a datagram, which may have no contents, and says who sent it.
#[doc(alias = "socket_recvfrom")]
pub(super) fn receive_from(fd: Descriptor, room: &mut [u8], timeout: &Timeout) -> Outcome<(usize, SockAddr)> {
    let (data, len) = (room.as_mut_ptr().cast(), room.len());
    let mut outcome = Err(Failure::Closed);
    // SAFETY: the slice is valid for its length; the system sets address and length to what they are.
    let address = unsafe {
        SockAddr::try_init(|storage, address_len| {
            outcome =
                attempt(fd, libc::POLLIN, timeout, || libc::recvfrom(fd, data, len, 0, storage.cast(), address_len));
            Ok(())
        })
    };
    match (outcome, address) {
        (Ok(len), Ok(((), address))) => Ok((len, address)),
        (Err(failure), _) => Err(failure),
        (_, Err(error)) => Err(Failure::from_io(&error)),
    }
}

/// Waits for a moment, before what cannot be waited for is tried again.
fn pause(timeout: &Timeout) -> Outcome<()> {
    const MOMENT: Duration = Duration::from_millis(5);
    let remaining = timeout.remaining().unwrap_or(MOMENT);
    if remaining.is_zero() {
        return Err(Failure::Timeout);
    }
    std::thread::sleep(remaining.min(MOMENT));
    Ok(())
}

/// Connects a socket to an address. A peer of the Unix domain that has no room for one more is asked again and again: nothing
/// else tells when it has.
#[doc(alias = "socket_connect")]
pub(super) fn connect(fd: Descriptor, to: &SockAddr, timeout: &Timeout) -> Outcome<()> {
    if fd == INVALID {
        return Err(Failure::Closed);
    }
    loop {
        // SAFETY: the address is valid for its length.
        if unsafe { libc::connect(fd, to.as_ptr().cast(), to.len()) } == 0 {
            return Ok(());
        }
        match last_error() {
            libc::EINTR => {}
            libc::EINPROGRESS => break,
            libc::EAGAIN => pause(timeout)?,
            code => return Err(Failure::System(code)),
        }
    }
    let ready = wait(fd, libc::POLLIN | libc::POLLOUT, timeout)?;
    if ready & (libc::POLLIN | libc::POLLERR) == 0 {
        return Ok(());
    }
    // There may be bytes to receive already; or receiving nothing tells why there is no connection.
    // SAFETY: no byte is written.
    match unsafe { libc::recv(fd, core::ptr::null_mut(), 0, 0) } {
        0 => Ok(()),
        _ => Err(Failure::last()),
    }
}

/// Binds a socket to an address.
#[doc(alias = "socket_bind")]
pub(super) fn bind(fd: Descriptor, to: &SockAddr) -> Outcome<()> {
    // SAFETY: the address is valid for its length.
    check(unsafe { libc::bind(fd, to.as_ptr().cast(), to.len()) })
}

/// Has a socket wait for connections.
#[doc(alias = "socket_listen")]
pub(super) fn listen(fd: Descriptor, backlog: c_int) -> Outcome<()> {
    // SAFETY: the call touches no memory.
    check(unsafe { libc::listen(fd, backlog) })
}

/// Takes a connection; its socket is made as those of [`create`] are.
#[doc(alias = "socket_accept")]
pub(super) fn accept(fd: Descriptor, timeout: &Timeout) -> Outcome<Descriptor> {
    loop {
        match attempt(fd, libc::POLLIN, timeout, || accept_once(fd) as isize) {
            // The peer has gone meanwhile; the next one may be there.
            Err(Failure::System(libc::ECONNABORTED)) => {
                wait(fd, libc::POLLIN, timeout)?;
            }
            outcome => return outcome.map(|accepted| accepted as Descriptor),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn accept_once(fd: Descriptor) -> Descriptor {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: nobody asks for the address.
    unsafe { libc::accept4(fd, core::ptr::null_mut(), core::ptr::null_mut(), flags) }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn accept_once(fd: Descriptor) -> Descriptor {
    // SAFETY: nobody asks for the address; the flags touch no memory.
    unsafe {
        let accepted = libc::accept(fd, core::ptr::null_mut(), core::ptr::null_mut());
        if accepted >= 0 {
            libc::fcntl(accepted, libc::F_SETFD, libc::FD_CLOEXEC);
            set_nonblocking(accepted);
        }
        accepted
    }
}

/// Ends a connection in one direction or both; whether that was possible nobody asks.
pub(super) fn shutdown(fd: Descriptor, how: c_int) {
    // SAFETY: the call touches no memory.
    unsafe { libc::shutdown(fd, how) };
}

/// The address that a socket is bound to.
#[doc(alias = "getsockname")]
pub(super) fn local_name(fd: Descriptor) -> Outcome<SockAddr> {
    // SAFETY: storage and length are valid.
    name_by(|storage, len| unsafe { libc::getsockname(fd, storage, len) })
}

/// The address that a socket is connected to.
#[doc(alias = "getpeername")]
pub(super) fn peer_name(fd: Descriptor) -> Outcome<SockAddr> {
    // SAFETY: storage and length are valid.
    name_by(|storage, len| unsafe { libc::getpeername(fd, storage, len) })
}

/// The address that a call gives.
fn name_by(call: impl FnOnce(*mut libc::sockaddr, *mut socklen_t) -> c_int) -> Outcome<SockAddr> {
    // SAFETY: the system sets address and length to what they are.
    let address = unsafe {
        SockAddr::try_init(
            |storage, len| {
                if call(storage.cast(), len) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
            },
        )
    };
    address.map(|((), address)| address).map_err(|error| Failure::from_io(&error))
}

/// Types of which any bytes are a value, so that an option of the socket may be one.
///
/// # Safety
/// They are that, and have no padding.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: a number.
unsafe impl Plain for c_int {}
// SAFETY: two numbers of the same size.
unsafe impl Plain for libc::linger {}
// SAFETY: a number.
unsafe impl Plain for libc::in_addr {}
// SAFETY: two numbers of the same size.
unsafe impl Plain for libc::ip_mreq {}
// SAFETY: sixteen bytes and a number.
unsafe impl Plain for libc::ipv6_mreq {}

/// An option of a socket.
#[doc(alias = "getsockopt")]
pub(super) fn get_option<T: Plain>(fd: Descriptor, level: c_int, name: c_int) -> Outcome<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut len = size_of::<T>() as socklen_t;
    // SAFETY: the value is valid for its length, and any bytes are a value.
    unsafe {
        check(libc::getsockopt(fd, level, name, value.as_mut_ptr().cast(), &mut len))?;
        Ok(value.assume_init())
    }
}

/// Sets an option of a socket.
#[doc(alias = "setsockopt")]
pub(super) fn set_option<T: Plain>(fd: Descriptor, level: c_int, name: c_int, value: &T) -> Outcome<()> {
    let len = size_of::<T>() as socklen_t;
    // SAFETY: the value is valid for its length.
    check(unsafe { libc::setsockopt(fd, level, name, core::ptr::from_ref(value).cast(), len) })
}

/// What a call without results says.
fn check(returned: c_int) -> Outcome<()> {
    if returned == 0 { Ok(()) } else { Err(Failure::last()) }
}
