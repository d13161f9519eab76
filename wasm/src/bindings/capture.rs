//! Every frame that passes, for JavaScript, which puts it in words.

use super::object::object;
use super::results::milliseconds;
use crate::network;
use crate::task::promise;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use ethertab_stack::Instant;
use js_sys::{Array, Promise, Uint8Array};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasm_bindgen::prelude::*;

/// Frames that wait to be looked at. A reader that is slower misses the oldest, and is told how many: what it sees is
/// never long ago.
const FRAMES: usize = 512;
/// Bytes of frames that wait.
const BYTES: usize = 4 * 1024 * 1024;

/// The captures under way on one network. The driver has one tap; it hands each frame to all of them.
#[derive(Clone, Default)]
pub(super) struct Captures(Arc<Mutex<Vec<Arc<Mutex<Waiting>>>>>);

/// A capture under way.
#[wasm_bindgen]
pub struct Capture {
    network: network::Network,
    captures: Captures,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
    missed: u32,
    reader: Option<Waker>,
    stopped: bool,
}

struct Frame {
    outbound: bool,
    at: Instant,
    bytes: Vec<u8>,
    /// Frames before this one that were given up.
    missed: u32,
}

impl Captures {
    pub(super) fn start(&self, network: network::Network) -> Capture {
        let waiting = Arc::default();
        let first = {
            let mut captures = lock(&self.0);
            captures.push(Arc::clone(&waiting));
            captures.len() == 1
        };
        if first {
            let captures = self.clone();
            network.capture(Some(Box::new(move |outbound, at, frame| {
                captures.see(outbound, at, frame);
            })));
        }
        Capture {
            network,
            captures: self.clone(),
            waiting,
        }
    }

    fn see(&self, outbound: bool, at: Instant, frame: &[u8]) {
        for waiting in &*lock(&self.0) {
            let reader = {
                let mut waiting = lock(waiting);
                waiting.put(outbound, at, frame);
                waiting.reader.take()
            };
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }

    fn stop(&self, network: &network::Network, waiting: &Arc<Mutex<Waiting>>) {
        let none_left = {
            let mut captures = lock(&self.0);
            captures.retain(|other| !Arc::ptr_eq(other, waiting));
            captures.is_empty()
        };
        if none_left {
            network.capture(None);
        }
    }
}

#[wasm_bindgen]
impl Capture {
    /// Waits for frames and takes those that are there, at most `limit`, as `{at, direction, missed, bytes}`; `undefined` once
    /// stopped. One call at a time.
    #[wasm_bindgen(unchecked_return_type = "Promise<any[] | undefined>")]
    pub fn next(&self, limit: u32) -> Promise {
        let waiting = Arc::clone(&self.waiting);
        promise(poll_fn(move |context| {
            let frames = {
                let mut waiting = lock(&waiting);
                if waiting.frames.is_empty() && !waiting.stopped {
                    waiting.reader = Some(context.waker().clone());
                    return Poll::Pending;
                }
                waiting.take(limit as usize)
            };
            Poll::Ready(Ok(
                (!frames.is_empty()).then(|| frames.iter().map(handed_over).collect::<Array>())
            ))
        }))
    }

    /// Stops it.
    pub fn stop(&self) {
        let reader = {
            let mut waiting = lock(&self.waiting);
            if core::mem::replace(&mut waiting.stopped, true) {
                return;
            }
            waiting.frames.clear();
            waiting.bytes = 0;
            waiting.reader.take()
        };
        self.captures.stop(&self.network, &self.waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Waiting {
    fn put(&mut self, outbound: bool, at: Instant, frame: &[u8]) {
        let mut bytes = Vec::new();
        while self.frames.len() >= FRAMES || self.bytes + frame.len() > BYTES {
            let Some(oldest) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes.len();
            bytes = oldest.bytes;
            let missed = self.frames.front_mut().map(|next| &mut next.missed);
            let missed = missed.unwrap_or(&mut self.missed);
            *missed = missed.saturating_add(oldest.missed).saturating_add(1);
        }
        bytes.clear();
        bytes.extend_from_slice(frame);
        self.bytes += frame.len();
        self.frames.push_back(Frame {
            outbound,
            at,
            bytes,
            missed: core::mem::take(&mut self.missed),
        });
    }

    fn take(&mut self, limit: usize) -> Vec<Frame> {
        let count = limit.clamp(1, FRAMES).min(self.frames.len());
        let taken: Vec<Frame> = self.frames.drain(..count).collect();
        self.bytes -= taken.iter().map(|frame| frame.bytes.len()).sum::<usize>();
        taken
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `Frame` of `web/src/worker/capture.ts`.
fn handed_over(frame: &Frame) -> JsValue {
    object(&[
        ("at", milliseconds(frame.at.since(Instant::ZERO))),
        (
            "direction",
            if frame.outbound { "out" } else { "in" }.into(),
        ),
        ("missed", frame.missed.into()),
        ("bytes", Uint8Array::from(&frame.bytes[..]).into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_misses_the_oldest_frames_and_is_told_how_many() {
        let mut waiting = Waiting::default();
        for number in 0..FRAMES + 5 {
            waiting.put(true, Instant::from_micros(number as u64), &[0; 60]);
        }
        let taken = waiting.take(usize::MAX);
        assert_eq!(taken.len(), FRAMES);
        assert_eq!((taken[0].missed, taken[0].at), (5, Instant::from_micros(5)));
        assert_eq!(taken[1].missed, 0);
        assert_eq!(waiting.bytes, 0);
    }

    #[test]
    fn large_frames_are_bounded_by_their_bytes() {
        let mut waiting = Waiting::default();
        for _ in 0..200 {
            waiting.put(false, Instant::ZERO, &[0; 64 * 1024]);
        }
        assert!(waiting.bytes <= BYTES);
        let taken = waiting.take(usize::MAX);
        assert_eq!(taken.len() as u32 + taken[0].missed, 200);
    }
}
