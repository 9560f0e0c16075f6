//! The loopback of a new network is down; programs that talk to themselves expect it up.

use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

const NEW_LINK: u16 = 16;
/// A request that is to be answered.
const FLAGS: u16 = 1 | 4;
/// The first interface of each network.
const LOOPBACK: i32 = 1;
const UP: u32 = 1;
const HEADER_BYTES: usize = 16;

/// Raises it, by a message to the kernel's routing tables.
pub(super) fn raise() -> io::Result<()> {
    // The protocol of the routing tables is number 0, which is what comes without one.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &request(), SendFlags::empty())?;
    let mut answer = [0u8; 256];
    let (_, size) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    let error = answer[..size].get(HEADER_BYTES..HEADER_BYTES + 4).ok_or(io::ErrorKind::InvalidData)?;
    match i32::from_ne_bytes(error.try_into().expect("four bytes were taken")) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

fn request() -> Vec<u8> {
    let mut link = vec![0u8; 4];
    link.extend(LOOPBACK.to_ne_bytes());
    // What is to be, and which of it is meant.
    link.extend(UP.to_ne_bytes());
    link.extend(UP.to_ne_bytes());
    let size = u32::try_from(HEADER_BYTES + link.len()).expect("it is small");
    let mut message = Vec::from(size.to_ne_bytes());
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(FLAGS.to_ne_bytes());
    message.extend(1u32.to_ne_bytes());
    message.extend(0u32.to_ne_bytes());
    message.extend(link);
    message
}
