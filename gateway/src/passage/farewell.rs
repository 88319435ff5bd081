//! How a channel ends, for the technician's client: its terminal put in order, the reason, a status.

use std::time::Duration;

use bytes::Bytes;

use super::channel::{Opening, lines};
use super::side::{Exit, Gone, Piece, Stream};

/// Exit status of the gateway's own refusals: not one a command usually has, and not `ssh`'s own 255.
pub(crate) const REFUSED: u32 = 254;
/// How long last words wait for a technician who does not read: the status and the close need no reader, and are what the
/// end of a session waits for.
const READ_WITHIN: Duration = Duration::from_millis(250);

/// How a channel ended, for the technician's client.
#[derive(Debug)]
pub(super) struct Farewell {
    /// Puts the technician's terminal in order, and is on record.
    pub(super) order: Option<Bytes>,
    /// Said on standard error, in the technician's language.
    pub(super) words: Option<String>,
    /// Why, for the record: in English, as all that is written there; none where the channel ended by itself.
    pub(super) because: Option<String>,
    /// Reported unless the target already reported its own.
    pub(super) status: Option<u32>,
}

impl Farewell {
    pub(super) fn silent() -> Self {
        Self {
            order: None,
            words: None,
            because: None,
            status: None,
        }
    }

    /// Everything was said already.
    pub(super) fn explained(status: u32) -> Self {
        Self {
            status: Some(status),
            ..Self::silent()
        }
    }

    /// A refusal, in these words.
    pub(super) fn refused(words: String) -> Self {
        Self::failed(words, REFUSED)
    }

    /// A failure, in these words.
    pub(super) fn failed(words: String, status: u32) -> Self {
        Self {
            words: Some(words),
            ..Self::explained(status)
        }
    }

    /// The same, for this reason: what is on record of a channel that was open.
    pub(super) fn because(self, why: impl ToString) -> Self {
        Self {
            because: Some(why.to_string()),
            ..self
        }
    }
}

/// Says it, as far as somebody reads it soon.
pub(super) async fn take_leave(opening: &mut Opening, farewell: Farewell) -> Result<(), Gone> {
    let Farewell {
        order,
        words,
        because: _,
        status,
    } = farewell;
    let said = async {
        if let Some(order) = order {
            opening.say(Stream::Output, order).await?;
        }
        if let Some(words) = words {
            // On a terminal the words begin on a line of their own, wherever the cursor was left.
            let lines = lines(&opening.uplink, &words);
            let words = match opening.terminal {
                Some(_) => format!("\r\n{lines}"),
                None => lines,
            };
            opening.say(Stream::ErrorOutput, words).await?;
        }
        Ok(())
    };
    if let Ok(gone) = tokio::time::timeout(READ_WITHIN, said).await {
        gone?;
    }
    if let Some(status) = status {
        let end = &mut opening.end;
        end.say(Piece::Exit(Exit::Status(status))).await?;
        end.say(Piece::Eof).await?;
    }
    Ok(())
}
