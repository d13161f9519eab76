//! Buffers that a browser made for messages, and that serve once more for the pieces that go to the page.
//!
//! Memory that is new to the process costs more than what is written to it: the kernel clears it and maps it page by page, which
//! takes as long as several copies. What the page is given it keeps until its garbage is collected, so something new there must
//! be; but the browser brings it with each message, and a message that was copied has no use for it any more.
//!
//! A piece always fills its buffer: programs are known to look at that and not at the part of it that is theirs.

use core::cell::RefCell;
use js_sys::{Array, ArrayBuffer, Uint8Array};

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

/// A copy of `bytes` that may be given away, as one `Uint8Array` or several.
pub(crate) fn pieces(mut bytes: &[u8]) -> Array {
    let pieces = Array::new();
    while !bytes.is_empty() {
        let fitting =
            SPENT.with_borrow_mut(|spent| spent.pop_if(|(length, _)| *length <= bytes.len()));
        let piece = match fitting {
            Some((length, buffer)) => {
                let (now, later) = bytes.split_at(length);
                bytes = later;
                let piece = Uint8Array::new(&buffer);
                piece.copy_from(now);
                piece
            }
            None => Uint8Array::from(core::mem::take(&mut bytes)),
        };
        pieces.push(&piece);
    }
    pieces
}
