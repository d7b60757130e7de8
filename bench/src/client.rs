//! A small HTTP/1.1 client on blocking sockets, light enough not to be what is measured.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::Result;

/// A kept-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// Connects on loopback.
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(60))));
        set.map_err(|error| error.to_string())?;
        Ok(Self { stream: BufReader::with_capacity(256 * 1024, stream), host: format!("127.0.0.1:{port}") })
    }

    /// Sends a request with a form or JSON; status and body.
    pub fn ask(&mut self, method: &str, path: &str, token: &str, form: &str) -> Result<(u16, Vec<u8>)> {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: bearer {token}\r\n", self.host);
        let kind = if form.starts_with('{') { "Content-Type: application/json" } else { "Content-Type: application/x-www-form-urlencoded" };
        let body = if form.is_empty() { "\r\n".to_owned() } else { format!("{kind}\r\nContent-Length: {}\r\n\r\n{form}", form.len()) };
        let asked = self.stream.get_mut().write_all(format!("{head}{body}").as_bytes());
        asked.and_then(|()| self.answer()).map_err(|error| format!("{method} {path}: {error}"))
    }

    fn answer(&mut self) -> std::io::Result<(u16, Vec<u8>)> {
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(_) => {}
            }
        }
        let body = if chunked { self.chunks()? } else { self.bytes(length)? };
        Ok((status, body))
    }

    fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line()?.trim(), 16).unwrap_or(0);
            body.extend(self.bytes(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// Requests per second and latencies of a route.
pub struct Figures {
    /// Requests per second.
    pub rate: f64,
    /// Half were answered in this time.
    pub p50: Duration,
    /// 99 of 100 were.
    pub p99: Duration,
}

/// Asks a route from several connections for a while; every answer must be a 200 (or what it was at first).
pub fn load(port: u16, path: &str, token: &str, connections: usize, time: Duration) -> Result<Figures> {
    let begun = Instant::now();
    let each = || ask_for(port, path, token, begun + time);
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(each)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned()))).collect::<Result<Vec<_>>>()
    })?;
    let elapsed = begun.elapsed();
    let mut times: Vec<Duration> = times.into_iter().flatten().collect();
    times.sort_unstable();
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or_default();
    Ok(Figures { rate: times.len() as f64 / elapsed.as_secs_f64(), p50: at(0.5), p99: at(0.99) })
}

fn ask_for(port: u16, path: &str, token: &str, end: Instant) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(port)?;
    let mut times = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        let (status, body) = connection.ask("GET", path, token, "")?;
        if status != 200 {
            return Err(format!("GET {path}: {status} {}", String::from_utf8_lossy(&body)));
        }
        times.push(asked.elapsed());
    }
    Ok(times)
}

/// As shown.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
