//! A local service that goes wrong: what a hook finds in place of the one that it talks to.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::plan::ServiceFault;

/// How long a client may take for its request, and for closing its side.
const FOR_ONE: Duration = Duration::from_millis(500);
/// Bytes of a request that are read at most.
const REQUEST: usize = 4 * 1024 * 1024;
/// How the service fails.
const ANSWER: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 22\r\nConnection: close\r\n\r\ninternal server error\n";

/// The service. It is there, and its port is taken, until the value is dropped.
#[derive(Debug)]
pub(super) struct Service {
    address: SocketAddr,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The port belongs to the near end of a connection, so that nobody listens there and nobody else is given it.
    Refuses {
        _near: TcpStream,
        _far: TcpStream,
    },
    /// The system takes connections up to the length of its queue, and nobody takes them out of it before the end.
    Hangs {
        listener: TcpListener,
    },
    Fails {
        connections: Arc<AtomicUsize>,
        over: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    },
}

impl Service {
    /// Begins to go wrong on a port of its own.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(fault: ServiceFault) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        match fault {
            ServiceFault::Refuses => {
                let near = TcpStream::connect(address)?;
                let (far, _) = listener.accept()?;
                Ok(Service { address: near.local_addr()?, kind: Kind::Refuses { _near: near, _far: far } })
            }
            ServiceFault::Hangs => {
                listener.set_nonblocking(true)?;
                Ok(Service { address, kind: Kind::Hangs { listener } })
            }
            ServiceFault::Fails => {
                let (connections, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
                let (count, end) = (Arc::clone(&connections), Arc::clone(&over));
                let thread = thread::Builder::new().name("service".to_owned()).spawn(move || {
                    fail_all(&listener, &count, &end);
                })?;
                Ok(Service { address, kind: Kind::Fails { connections, over, thread: Some(thread) } })
            }
        }
    }

    /// Where a hook is sent.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often somebody has connected; `None` where nobody can.
    pub(super) fn connections(&self) -> Option<usize> {
        match &self.kind {
            Kind::Refuses { .. } => None,
            Kind::Hangs { listener } => {
                // They are closed with this. The hook has ended.
                Some(std::iter::from_fn(|| listener.accept().ok()).count())
            }
            Kind::Fails { connections, .. } => Some(connections.load(Ordering::SeqCst)),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Kind::Fails { over, thread, .. } = &mut self.kind {
            over.store(true, Ordering::SeqCst);
            // The thread waits for a connection; this one tells it that it was the last.
            let woken = TcpStream::connect_timeout(&self.address, FOR_ONE).is_ok();
            if let Some(thread) = thread.take().filter(|_| woken) {
                // A thread that has panicked has nothing to say any more.
                let _ = thread.join();
            }
        }
    }
}

/// Fails every request, one after the other.
fn fail_all(listener: &TcpListener, connections: &AtomicUsize, over: &AtomicBool) {
    loop {
        let taken = listener.accept();
        if over.load(Ordering::SeqCst) {
            return;
        }
        match taken {
            Ok((stream, _)) => {
                connections.fetch_add(1, Ordering::SeqCst);
                // A client that has gone is its own affair.
                let _ = fail_one(stream);
            }
            // No descriptors, say; the client waits in the queue meanwhile.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn fail_one(mut stream: TcpStream) -> io::Result<()> {
    let until = Instant::now() + FOR_ONE;
    stream.set_write_timeout(Some(FOR_ONE))?;
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    while !is_whole(&request) && request.len() < REQUEST {
        match read_until(&mut stream, &mut buffer, until) {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    stream.write_all(ANSWER)?;
    stream.shutdown(Shutdown::Write)?;
    // To close with bytes unread would take the answer away from the client.
    while read_until(&mut stream, &mut buffer, until)? > 0 {}
    Ok(())
}

fn read_until(stream: &mut TcpStream, buffer: &mut [u8], until: Instant) -> io::Result<usize> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    stream.read(buffer)
}

/// Whether a request has its head, and the body that the head announces.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let body = &request[end + 4..];
    match length {
        Some(length) => body.len() >= length,
        None if head.contains("transfer-encoding: chunked") => body.ends_with(b"0\r\n\r\n"),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ask(service: &Service, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(service.address())?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn nobody_listens_and_nobody_else_gets_the_port() {
        let services: Vec<Service> = (0..8).map(|_| Service::start(ServiceFault::Refuses).unwrap()).collect();
        let others: Vec<Service> = (0..50).map(|_| Service::start(ServiceFault::Hangs).unwrap()).collect();
        for service in &services {
            let error = TcpStream::connect(service.address()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            assert_eq!(service.connections(), None);
            assert!(others.iter().all(|other| other.address() != service.address()));
        }
    }

    #[test]
    fn who_hangs_takes_connections_and_never_answers() {
        let service = Service::start(ServiceFault::Hangs).unwrap();
        assert_eq!(service.connections(), Some(0));
        let error = ask(&service, b"GET / HTTP/1.1\r\n\r\n").unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error}");
        assert_eq!(service.connections(), Some(1));
    }

    #[rstest]
    #[case::get(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec())]
    #[case::body(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".to_vec())]
    #[case::large([b"POST / HTTP/1.1\r\ncontent-length: 300000\r\n\r\n".to_vec(), vec![b'x'; 300_000]].concat())]
    fn who_fails_says_so(#[case] request: Vec<u8>) {
        let service = Service::start(ServiceFault::Fails).unwrap();
        for count in 1..=3 {
            let answer = ask(&service, &request).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 500 "), "{}", String::from_utf8_lossy(&answer));
            assert_eq!(service.connections(), Some(count));
        }
    }

    #[test]
    fn the_end_does_not_wait_for_clients() {
        let service = Service::start(ServiceFault::Fails).unwrap();
        let _silent = TcpStream::connect(service.address()).unwrap();
        let begun = Instant::now();
        drop(service);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
