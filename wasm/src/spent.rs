//! Buffers that a browser made for messages, and that serve once more for the pieces that go to the page.
//!
//! Memory that is new to the process costs more than what is written to it: the kernel clears it and maps it page by page, which
//! takes as long as several copies. What the page is given it keeps until its garbage is collected, so something new there must
//! be; but the browser brings it with each message, and a message that was copied has no use for it any more.
//!
//! A piece always fills its buffer: programs are known to look at that and not at the part of it that is theirs.

use core::cell::RefCell;
use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::prelude::*;

/// Shorter buffers are not worth it.
const SHORTEST: usize = 32 * 1024;
/// Buffers that are kept: as many as a window of the largest messages.
const MOST: usize = 32;

thread_local! {
    static SPENT: RefCell<Vec<(usize, ArrayBuffer)>> = const { RefCell::new(Vec::new()) };
}

/// Takes a buffer of so many bytes whose content was copied.
pub(crate) fn keep(buffer: &ArrayBuffer, length: usize) {
    SPENT.with_borrow_mut(|spent| {
        if length >= SHORTEST && spent.len() < MOST {
            spent.push((length, buffer.clone()));
        }
    });
}

/// How much of at most so many bytes should be read, so that buffers are filled.
pub(crate) fn room(most: usize) -> usize {
    let filled = SPENT.with_borrow(|spent| {
        let lengths = spent.iter().rev().map(|(length, _)| *length);
        lengths.fold(0, |sum, length| match sum + length {
            more if more <= most => more,
            _ => sum,
        })
    });
    if filled == 0 { most } else { filled }
}

/// A copy of bytes that may be given away, as one `Uint8Array` or several.
#[derive(Default)]
pub(crate) struct Pieces {
    all: Array,
    last: Option<Unfilled>,
}

/// A piece that is to be filled.
struct Unfilled {
    piece: Piece,
    filled: usize,
    length: usize,
}

// js-sys puts a slice at an offset only through a view that is made for it.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Uint8Array)]
    type Piece;
    #[wasm_bindgen(constructor, js_class = "Uint8Array")]
    fn with_length(length: usize) -> Piece;
    #[wasm_bindgen(constructor, js_class = "Uint8Array")]
    fn of(buffer: ArrayBuffer) -> Piece;
    #[wasm_bindgen(method)]
    fn set(this: &Piece, bytes: &[u8], offset: usize);
}

impl Pieces {
    /// Appends bytes; `left` more follow.
    pub(crate) fn add(&mut self, mut bytes: &[u8], left: usize) {
        while !bytes.is_empty() {
            let last = match &mut self.last {
                Some(last) => last,
                none => none.insert(Unfilled::new(bytes.len() + left)),
            };
            let (now, later) = bytes.split_at(bytes.len().min(last.length - last.filled));
            last.piece.set(now, last.filled);
            last.filled += now.len();
            bytes = later;
            if last.filled == last.length {
                self.all.push(&last.piece);
                self.last = None;
            }
        }
    }

    /// All of them, once there is nothing left.
    pub(crate) fn all(self) -> Array {
        self.all
    }
}

impl Unfilled {
    /// For the first of so many bytes.
    fn new(most: usize) -> Unfilled {
        let fitting = SPENT.with_borrow_mut(|spent| spent.pop_if(|(length, _)| *length <= most));
        let (length, piece) = match fitting {
            Some((length, buffer)) => (length, Piece::of(buffer)),
            None => (most, Piece::with_length(most)),
        };
        Unfilled {
            piece,
            filled: 0,
            length,
        }
    }
}
