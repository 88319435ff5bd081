//! What a command prints.
//!
//! A reader that goes away (`| head`) neither stops a command nor changes its exit status: what it was asked to do is
//! done, and its verdict stands. Whatever else keeps words from arriving (a full disk behind `>`) is told at the end, and
//! is a failure.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// The first failure to print that was not the reader's.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Standard output. Writing never fails; see [`finish`].
#[derive(Debug)]
pub(crate) struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        remember(io::stdout().write_all(bytes));
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        remember(io::stdout().flush());
        Ok(())
    }
}

fn remember(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        FAILED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }
}

/// One line on standard output; see [`outln!`].
pub(crate) fn line(words: fmt::Arguments<'_>) {
    // It never fails.
    let _ = writeln!(Out, "{words}");
}

/// One line on standard error; see [`errln!`]. Where nobody reads it, nobody can be told.
pub(crate) fn error_line(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{words}");
}

/// What kept words from arriving, once everything was said.
pub(super) fn finish() -> Option<io::Error> {
    remember(io::stdout().flush());
    FAILED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// `println!` for a reader that may go away.
macro_rules! outln {
    ($($words:tt)*) => { $crate::faces::commands::out::line(format_args!($($words)*)) };
}

/// `eprintln!` for a reader that may go away.
macro_rules! errln {
    ($($words:tt)*) => { $crate::faces::commands::out::error_line(format_args!($($words)*)) };
}

pub(crate) use {errln, outln};
