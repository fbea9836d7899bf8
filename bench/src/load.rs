//! A load generator for the service's HTTP API: many connections, each kept open, each a thread.
//!
//! With a rate, requests are due at fixed instants whatever became of those before, and a request's latency
//! counts from the instant it was due (so that a server that stalls is charged for everybody who would have come
//! meanwhile); without one, each connection asks again as soon as it is answered, which tells the throughput.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use anyhow::Context as _;
use serde::Serialize;

/// How long an answer may take before the run fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked, how often.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where the service listens, in the clear.
    pub address: SocketAddr,
    /// The API key to send, if any.
    pub key: Option<String>,
    /// Connections, and so requests under way at most.
    pub connections: usize,
    /// Requests a second, on all connections together; as many as are answered without one.
    pub rate: Option<f64>,
    /// For how long.
    pub lasts: Duration,
}

/// What came of it. Times in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Requests answered with 200.
    pub answered: usize,
    /// Requests answered otherwise.
    pub refused: usize,
    /// Answers a second.
    pub per_second: f64,
    /// Mean size of an answer's body.
    pub bytes_each: f64,
    /// Half were faster.
    pub p50: f64,
    /// Nine of ten were faster.
    pub p90: f64,
    /// 99 of 100 were faster.
    pub p99: f64,
    /// 999 of 1,000 were faster.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

impl Load {
    /// Asks for these paths in turn until the time is over.
    ///
    /// # Errors
    /// When a connection fails or an answer cannot be read; none of that is to be expected of a service.
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

/// One connection; of HTTP/1.1 it knows what this service sends.
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

    /// The status of the answer and the size of its body.
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
