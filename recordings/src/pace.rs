//! Long readings share a machine: they ask now and then whether they may go on.
//!
//! Whoever reads wraps the reading in [`paced`]. What is asked may wait for its turn, or end the reading with an error
//! because nobody wants it any more. Asked on the reading thread alone, at least each 64 KiB of what is read, before
//! every event of a cast and before every read of a journal.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

type Ask = Rc<dyn Fn() -> io::Result<()>>;

thread_local! {
    static ASK: RefCell<Option<Ask>> = const { RefCell::new(None) };
}

/// Bytes read between two questions.
const PIECE: usize = 64 * 1024;

/// Does `reading`, asking `may_go_on` now and then on this thread. An error of it ends what is being read.
pub fn paced<T>(
    may_go_on: impl Fn() -> io::Result<()> + 'static,
    reading: impl FnOnce() -> T,
) -> T {
    let _before = Before(ASK.replace(Some(Rc::new(may_go_on))));
    reading()
}

/// Puts back what was asked before, however the reading ends.
struct Before(Option<Ask>);

impl Drop for Before {
    fn drop(&mut self) {
        ASK.set(self.0.take());
    }
}

pub(crate) fn ask() -> io::Result<()> {
    // Cloned: what is asked may read itself.
    match ASK.with_borrow(Clone::clone) {
        Some(ask) => ask(),
        None => Ok(()),
    }
}

/// Asks before every piece that is read.
pub(crate) struct Paced<R>(pub(crate) R);

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        ask()?;
        let length = room.len().min(PIECE);
        self.0.read(room.get_mut(..length).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_long_reading_is_asked_often_and_ends_when_told() {
        let asked = Rc::new(Cell::new(0));
        let counted = Rc::clone(&asked);
        let mut read = Vec::new();
        let ended = paced(
            move || {
                counted.set(counted.get() + 1);
                match counted.get() {
                    4.. => Err(io::Error::other("nobody reads any more")),
                    _ => Ok(()),
                }
            },
            || Paced(io::repeat(b'x')).take(1 << 20).read_to_end(&mut read),
        );
        assert_eq!(ended.unwrap_err().to_string(), "nobody reads any more");
        assert!(
            asked.get() == 4 && read.len() <= 3 * PIECE,
            "{}",
            read.len()
        );
        assert!(ask().is_ok(), "asked after its end");
    }
}
