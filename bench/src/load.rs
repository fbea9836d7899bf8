//! A load generator for the service's HTTP API: many connections, each kept open, each a thread.
//!
//! With a rate, requests are scheduled at fixed instants, independently of earlier responses, and latency counts from
//! the scheduled instant, so that a stalled server is charged for the requests it delayed (no coordinated omission).
//! Without a rate, each connection sends its next request as soon as it has a response, which measures throughput.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use anyhow::Context as _;
use serde::Serialize;

/// Timeout of a response; the run fails after it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The requests to send, and their rate.
#[derive(Debug, Clone)]
pub struct Load {
    /// The service's address, without TLS.
    pub address: SocketAddr,
    /// The API key to send, if any.
    pub key: Option<String>,
    /// The number of connections: the largest number of concurrent requests.
    pub connections: usize,
    /// Requests per second over all connections; as many as possible without one.
    pub rate: Option<f64>,
    /// The duration.
    pub lasts: Duration,
}

/// The results. Times in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Responses with status 200.
    pub answered: usize,
    /// Other responses.
    pub refused: usize,
    /// Responses per second.
    pub per_second: f64,
    /// Mean size of a response's body, in bytes.
    pub bytes_each: f64,
    /// Median latency.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Maximum.
    pub max: f64,
}

impl Load {
    /// Requests these paths in turn until the duration is over.
    ///
    /// # Errors
    /// When a connection fails or a response cannot be read.
    pub fn run(&self, paths: &[String]) -> anyhow::Result<Measured> {
        anyhow::ensure!(!paths.is_empty(), "there is nothing to ask for");
        let next = AtomicUsize::new(0);
        let start = Stopwatch::now();
        let work = || self.connection(paths, &next, start);
        let done: Vec<anyhow::Result<Answers>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().expect("a connection does not panic")).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        let mut all = Answers::default();
        for answers in done {
            let answers = answers?;
            all.took.extend(answers.took);
            all.refused += answers.refused;
            all.bytes += answers.bytes;
        }
        anyhow::ensure!(!all.took.is_empty(), "nothing was answered with 200; {} refused", all.refused);
        all.took.sort_unstable();
        let rank = |share: f64| {
            let at = (all.took.len() as f64 * share).ceil() as usize;
            all.took[at.clamp(1, all.took.len()) - 1].as_secs_f64() * 1e3
        };
        Ok(Measured {
            answered: all.took.len(),
            refused: all.refused,
            per_second: all.took.len() as f64 / seconds,
            bytes_each: all.bytes as f64 / all.took.len() as f64,
            p50: rank(0.5),
            p90: rank(0.9),
            p99: rank(0.99),
            p999: rank(0.999),
            max: rank(1.0),
        })
    }

    fn connection(&self, paths: &[String], next: &AtomicUsize, start: Stopwatch) -> anyhow::Result<Answers> {
        let mut line = Line::open(self.address).with_context(|| format!("connecting to {}", self.address))?;
        let authorization =
            self.key.as_ref().map_or(String::new(), |key| format!("Authorization: {key}\r\n"));
        let mut answers = Answers::default();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let due = match self.rate {
                Some(rate) => start + Duration::from_secs_f64(turn as f64 / rate),
                None => Stopwatch::now(),
            };
            if due.duration_since(start) >= self.lasts {
                return Ok(answers);
            }
            std::thread::sleep(due.saturating_duration_since(Stopwatch::now()));
            let path = &paths[turn % paths.len()];
            let (status, bytes) =
                line.ask(path, &authorization).with_context(|| format!("asking for {path}"))?;
            if status == 200 {
                answers.took.push(due.elapsed());
                answers.bytes += bytes;
            } else {
                answers.refused += 1;
            }
        }
    }
}

#[derive(Debug, Default)]
struct Answers {
    took: Vec<Duration>,
    refused: usize,
    bytes: usize,
}

/// One connection, with the part of HTTP/1.1 that this service sends.
struct Line {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Line {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), body: Vec::new() })
    }

    /// Returns the response's status and the size of its body.
    fn ask(&mut self, path: &str, authorization: &str) -> io::Result<(u16, usize)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{authorization}\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut head = String::new();
        self.stream.read_line(&mut head)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(|| wrong("an answer without a status"))?;
        let mut length = None;
        loop {
            head.clear();
            self.stream.read_line(&mut head)?;
            let Some((name, value)) = head.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>().ok();
            }
        }
        let length = length.ok_or_else(|| wrong("an answer without a length"))?;
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok((status, length))
    }
}
