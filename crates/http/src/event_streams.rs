//! Streams of server-sent events: their places, bounded in all and for each session, and their bodies.
//!
//! The time limit of a request is over with the head of its answer, so that a stream goes on; what bounds it is its
//! place, and the task that sends, which ends it after a while. Browsers then connect again, and are authenticated again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How many streams there are at most, in all and in one session.
const MAX_STREAMS: usize = 256;
const MAX_STREAMS_OF_SESSION: usize = 4;

/// How many events wait for a slow client before the sender waits.
const QUEUE: usize = 2;

/// The streams of each session.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventStreams(Arc<Mutex<HashMap<Uuid, usize>>>);

/// The place of a stream; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    streams: EventStreams,
    session: Uuid,
}

impl EventStreams {
    /// Takes a place for a stream of a session; none when there are too many.
    pub(crate) fn take_place(&self, session: Uuid) -> Option<StreamPlace> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.values().sum::<usize>() >= MAX_STREAMS {
            return None;
        }
        let count = streams.entry(session).or_insert(0);
        if *count >= MAX_STREAMS_OF_SESSION {
            return None;
        }
        *count += 1;
        Some(StreamPlace { streams: self.clone(), session })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.session);
            }
        }
    }
}

/// An event. Without a name it is a `message`.
pub(crate) fn event(name: Option<&str>, data: &str) -> Bytes {
    let mut text = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    for line in data.lines() {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    if data.is_empty() {
        text.push_str("data:\n");
    }
    text.push('\n');
    text.into()
}

/// A line that carries nothing: it finds out that a client has gone, and keeps proxies from closing the connection.
pub(crate) fn comment() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// The milliseconds after which a browser connects again when the stream ends.
pub(crate) fn reconnection_time(milliseconds: u32) -> Bytes {
    format!("retry: {milliseconds}\n\n").into()
}

/// Returns the answer that streams what is sent, until the sender is dropped.
pub(crate) fn stream() -> (mpsc::Sender<Bytes>, Response) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let mut response = Response::new(Body::new(EventBody(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx would collect events before it passes them on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    (sender, response)
}

struct EventBody(mpsc::Receiver<Bytes>);

impl hyper::body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_each_session_and_in_all() {
        let streams = EventStreams::default();
        let session = Uuid::from_u128(1);
        let mut places: Vec<_> =
            (0..MAX_STREAMS_OF_SESSION).filter_map(|_| streams.take_place(session)).collect();
        assert_eq!((places.len(), streams.take_place(session).is_some()), (MAX_STREAMS_OF_SESSION, false));
        places.pop();
        places.extend(streams.take_place(session));
        assert_eq!(places.len(), MAX_STREAMS_OF_SESSION);
        let others = (2..).map(Uuid::from_u128).take(MAX_STREAMS);
        places.extend(others.filter_map(|session| streams.take_place(session)));
        assert_eq!(places.len(), MAX_STREAMS);
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty());
    }

    #[test]
    fn events_are_written_as_the_standard_says() {
        assert_eq!(event(None, "<p>a\nb</p>"), "data: <p>a\ndata: b</p>\n\n");
        assert_eq!(event(Some("end"), ""), "event: end\ndata:\n\n");
    }
}
