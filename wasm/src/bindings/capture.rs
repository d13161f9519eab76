//! Every frame that passes, as one readable line each, for JavaScript.

use super::results::{milliseconds, object};
use crate::network;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use ethertab_stack::Instant;
use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasm_bindgen::prelude::*;

/// Frames that wait to be looked at; a reader that is slower misses some and is told how many.
const FRAMES: usize = 2_048;
/// Bytes of frames that wait.
const BYTES: usize = 4 * 1024 * 1024;

/// A capture under way.
#[wasm_bindgen]
pub struct Capture {
    network: network::Network,
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
    /// Frames that found no room before this one.
    missed: u32,
}

#[derive(Serialize)]
struct Summary {
    at: f64,
    direction: &'static str,
    length: usize,
    protocol: String,
    source: String,
    destination: String,
    summary: String,
    layers: Vec<String>,
    missed: u32,
}

impl Capture {
    pub(super) fn start(network: network::Network) -> Capture {
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let tap = waiting.clone();
        network.capture(Some(Box::new(move |outbound, at, frame| {
            let woken = {
                let mut waiting = lock(&tap);
                waiting.put(outbound, at, frame);
                waiting.reader.take()
            };
            if let Some(reader) = woken {
                reader.wake();
            }
        })));
        Capture { network, waiting }
    }
}

#[wasm_bindgen]
impl Capture {
    /// Waits for frames and takes those that are there, at most `limit`; `undefined` once stopped. Each comes with its
    /// first `snap_length` bytes. One call at a time.
    pub async fn next(&self, limit: u32, snap_length: u32) -> Option<Array> {
        let frames: Vec<Frame> = poll_fn(|context| {
            let mut waiting = lock(&self.waiting);
            if waiting.frames.is_empty() && !waiting.stopped {
                waiting.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(waiting.take(limit as usize))
        })
        .await;
        if frames.is_empty() {
            return None;
        }
        Some(
            frames
                .iter()
                .map(|frame| describe(frame, snap_length as usize))
                .collect(),
        )
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
        self.network.capture(None);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Waiting {
    fn put(&mut self, outbound: bool, at: Instant, frame: &[u8]) {
        if self.frames.len() >= FRAMES || self.bytes + frame.len() > BYTES {
            self.missed = self.missed.saturating_add(1);
            return;
        }
        self.bytes += frame.len();
        self.frames.push_back(Frame {
            outbound,
            at,
            bytes: frame.to_vec(),
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

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn describe(frame: &Frame, snap_length: usize) -> JsValue {
    let summary = object(&Summary {
        at: milliseconds(frame.at.since(Instant::ZERO)),
        direction: if frame.outbound { "out" } else { "in" },
        length: frame.bytes.len(),
        protocol: String::new(),
        source: String::new(),
        destination: String::new(),
        summary: String::new(),
        layers: Vec::new(),
        missed: frame.missed,
    });
    let kept = frame.bytes.len().min(snap_length);
    // A fresh object takes any property.
    let _ = Reflect::set(
        &summary,
        &"bytes".into(),
        &Uint8Array::from(&frame.bytes[..kept]),
    );
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_misses_frames_and_is_told_how_many() {
        let mut waiting = Waiting::default();
        for _ in 0..FRAMES + 5 {
            waiting.put(true, Instant::ZERO, &[0; 60]);
        }
        assert_eq!(waiting.take(usize::MAX).len(), FRAMES);
        assert_eq!(waiting.bytes, 0);
        waiting.put(false, Instant::ZERO, &[0; 60]);
        assert_eq!(waiting.take(10)[0].missed, 5);
        waiting.put(false, Instant::ZERO, &[0; 60]);
        assert_eq!(waiting.take(10)[0].missed, 0);
    }
}
