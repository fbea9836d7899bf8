//! Bodies of requests: read within a limit, and drained where the handler has not read them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::oneshot;

use crate::problem::Problem;

/// How long a client may go on sending a body that nobody reads before the answer goes out anyway.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How much is drained at most, in bytes, unless the body was refused for its size.
const MAX_DRAINED: usize = 64 << 10;

/// Drains what a route has left of a request's body, as far as it is small, before the answer goes out. The rest of a
/// body that was too large is discarded as it arrives, for a while, so that the refusal arrives.
///
/// A connection on which a request is not read to its end is closed behind the answer: a client that is still
/// sending loses the answer with it, and one whose body was only late (the last chunk of an empty one, say) finds
/// the connection gone when it sends its next request.
pub(crate) async fn drain_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let (back, mut rest) = oneshot::channel();
    let body = Body::new(ReturnOnDrop { body, back: Some(back) });
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Ok(rest) = rest.try_recv() {
        let too_large = response.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let most = if too_large { usize::MAX } else { MAX_DRAINED };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain(rest, most)).await;
    }
    response
}

/// Reads and discards a body, up to a number of bytes.
async fn drain(mut body: Body, most: usize) {
    let mut read = 0;
    while read < most
        && let Some(Ok(frame)) = next_frame(&mut body).await
    {
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// A body that is returned when it is dropped before its end.
struct ReturnOnDrop {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
}

impl hyper::body::Body for ReturnOnDrop {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) {
            self.back = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReturnOnDrop {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            // Nobody waits for it when the request was given up.
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

/// Reads a body within the route's limit.
pub(crate) async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let mut whole = Vec::new();
    while let Some(frame) = next_frame(&mut body).await {
        match frame {
            Ok(frame) => whole.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Err(error) if is_too_large(&error) => {
                let message = "the body is larger than this route takes";
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message));
            }
            Err(error) => return Err(Problem::bad_request(format!("the body ended early: {error}"))),
        }
    }
    Ok(whole.into())
}

async fn next_frame(body: &mut Body) -> Option<Result<Frame<Bytes>, axum::Error>> {
    std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
