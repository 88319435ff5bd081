//! Questions to the person at the terminal. Where there is no terminal, the answer is a line of standard
//! input, so that scripts can give it.

use crate::faces::commands::out::errln;
use std::io::{self, BufRead, IsTerminal, Read, Write};

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest answer, in bytes.
const LONGEST: u64 = 4096;

/// Asks, and reads a line; none at the end of the input.
pub(super) async fn line(question: String) -> anyhow::Result<Option<Zeroizing<String>>> {
    let answer = tokio::task::spawn_blocking(move || {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            // Where nobody reads the question, an answer may still come.
            let _ = write!(io::stderr(), "{question}");
            let _ = io::stderr().flush();
        }
        read(&mut stdin.lock())
    });
    Ok(answer.await.context("the question was interrupted")??)
}

/// Asks, and reads a line without showing what is typed.
pub(super) async fn secret(question: String) -> anyhow::Result<Option<Zeroizing<String>>> {
    if !io::stdin().is_terminal() {
        return line(question).await;
    }
    // Dropped on every way out, Ctrl-C too: a terminal that stays silent afterwards helps nobody.
    let _hidden = Hidden::begin()?;
    let answer = tokio::select! {
        answer = line(question) => answer,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted; nothing was set")),
    };
    // The line feed that was typed was not shown either.
    errln!("");
    answer
}

fn read(from: &mut impl BufRead) -> io::Result<Option<Zeroizing<String>>> {
    // Room for all of it beforehand: a growing text leaves its old pieces in memory.
    let mut answer = Zeroizing::new(String::with_capacity(LONGEST as usize));
    let length = from.take(LONGEST).read_line(&mut answer)?;
    if length as u64 == LONGEST {
        return Err(io::Error::other("the answer is far too long"));
    }
    let kept = answer.trim_end_matches(['\r', '\n']).len();
    answer.truncate(kept);
    Ok((length > 0).then_some(answer))
}

/// Hides what is typed at the terminal until dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing is left to try when this fails; the person will type `stty sane`.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_without_its_end() {
        let mut input: &[u8] = b"123456\r\n\nlast";
        assert_eq!(read(&mut input).unwrap().unwrap().as_str(), "123456");
        assert_eq!(read(&mut input).unwrap().unwrap().as_str(), "");
        assert_eq!(read(&mut input).unwrap().unwrap().as_str(), "last");
        assert!(read(&mut input).unwrap().is_none());
        assert!(read(&mut [b'x'; 5000].as_slice()).is_err());
    }
}
