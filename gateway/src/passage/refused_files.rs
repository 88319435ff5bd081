//! A channel of files that nothing permits: refused within its protocol, so that stock clients show why.
//!
//! A client that is told no by SSH itself shows its person a broken pipe, and some try again and again. So it is greeted, and
//! each thing it asks is answered by permission denied, with the words; they stand on its standard error too, because
//! OpenSSH's clients show the words of a status in few places. No target hears of it.

use std::time::Duration;

use super::channel::{Opening, lines};
use super::kinds::sftp::{Refusing, Step};
use super::side::{Gone, Piece, Stream};

/// How long a client may ask nothing.
const IDLE: Duration = Duration::from_secs(10);
/// How much it may say before it is sent away. **Unit**: bytes.
const MOST: usize = 256 << 10;

/// Answers until the client leaves, or has asked enough.
///
/// # Errors
/// [`Gone`] when nobody reads it.
pub(super) async fn refuse(opening: &mut Opening, words: &str) -> Result<(), Gone> {
    let told = lines(&opening.uplink, words);
    opening.say(Stream::ErrorOutput, told).await?;
    let words: Vec<&str> = words.lines().collect();
    let mut refusing = Refusing::new(words.join(" "));
    let mut heard = 0;
    while heard < MOST {
        let next = tokio::time::timeout(IDLE, opening.end.source.next());
        let bytes = match next.await {
            Ok(Some(Piece::Data(bytes))) => bytes,
            Ok(None | Some(Piece::Eof | Piece::Close)) | Err(_) => return Ok(()),
            Ok(Some(
                Piece::ErrorData(_)
                | Piece::Resize(_)
                | Piece::Signal(_)
                | Piece::Exit(_)
                | Piece::Refused
                | Piece::Beside(_)
                | Piece::BesideOver
                | Piece::Run(_)
                | Piece::Remark(_),
            )) => continue,
        };
        heard += bytes.len();
        let mut steps = Vec::new();
        refusing.read(&bytes, &mut steps);
        for step in steps {
            match step {
                Step::Own { bytes, .. } | Step::Pass { bytes, .. } => {
                    opening.say(Stream::Output, bytes).await?;
                }
                Step::Log(_) => {}
                Step::Stop(_) => return Ok(()),
            }
        }
    }
    Ok(())
}
