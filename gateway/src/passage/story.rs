//! One channel of an authenticated person, from its shell or command to its close: the security argument.
//!
//! [`pass`] is all of it. Each step takes what the one before gave, so that leaving one out does not compile: an admission
//! brings a permit for this very flow, the permit a seat in the session of its intervention, whose recording has begun;
//! both are on record before a byte of the target is asked for; and what passes goes through the one pump, which records
//! before it forwards. What each step is made of stands in [`super::admittance`], [`super::visit`], [`super::passing`],
//! [`super::reach`] and [`super::pump`].

use std::sync::{Arc, OnceLock};

use ecluse_policy::{StartRequest, TargetId};

use super::admittance::admitted;
use super::channel::{Opening, Start};
use super::farewell::{Farewell, take_leave};
use super::passing::Passing;
use super::refused_files;
use super::side::{Gone, Piece};
use super::talk;
use super::visit::Visit;
use super::visit::sessions::Unseated;
use crate::live::Seat;

/// Serves one channel until it is closed: whoever names a target is to pass, everybody else talks to the gateway itself.
pub(crate) async fn serve(visit: Arc<Visit>, mut opening: Opening, start: Start) {
    let cut_on_panic = CutOnPanic(Arc::clone(&visit));
    // Its session counts the channel until the close is on the wire.
    let seat = OnceLock::new();
    let farewell = if let Some(target) = &visit.address().target {
        pass(&visit, &mut opening, &start, target, &seat).await
    } else if let Start::Files = start {
        Ok(Farewell::refused(visit.say("files-no-target")))
    } else if let Start::Forward(flow) = &start {
        // On record as what it is; the words say what to do.
        let _ = visit.refuse_unserved(flow.clone());
        Ok(Farewell::refused(visit.say_no_way(flow)))
    } else {
        tokio::select! {
            biased;
            stop = visit.until_ending() => Ok(Farewell::refused(visit.words_without_session(&stop))),
            left = talk::converse(&visit, &mut opening, &start) => left.map(Farewell::explained),
        }
    };
    if let Ok(mut farewell) = farewell {
        // What a client that came for files shows is said in their own protocol.
        if matches!(start, Start::Files)
            && !opening.reached
            && let Some(words) = farewell.words.take()
        {
            tokio::select! {
                biased;
                _ = visit.until_ending() => {}
                _ = refused_files::refuse(&mut opening, &words) => {}
            }
        }
        // Whoever looked at a screen of the gateway's own leaves it.
        farewell.order = farewell.order.or_else(|| opening.restore());
        // Whoever has left hears no farewell.
        let _ = take_leave(&mut opening, farewell).await;
    }
    close(&mut opening).await;
    drop(seat);
    drop(cut_on_panic);
}

/// Towards a target.
async fn pass(
    visit: &Arc<Visit>,
    opening: &mut Opening,
    start: &Start,
    target: &TargetId,
    seat: &OnceLock<Seat>,
) -> Result<Farewell, Gone> {
    let asked = StartRequest {
        flow: start.flow(),
        terminal: opening.terminal.as_ref().map(|it| it.term.clone()),
        environment: opening.environment.clone(),
    };

    // Policy decides: an admission, and a permit for this flow with its terms. Whoever waits for an approval is reached too.
    let admitted = tokio::select! {
        biased;
        stop = visit.until_ending() => return Ok(Farewell::refused(visit.words_without_session(&stop))),
        admitted = admitted(visit, opening, target, &asked) => admitted?,
    };
    let permitted = match admitted {
        Ok(permitted) => permitted,
        Err(farewell) => return Ok(farewell),
    };

    // A seat in the session of its intervention. The first one opens the session, with its recording.
    let (seated, taken) = match visit.seat(permitted).await {
        Ok(seated) => seated,
        Err(Unseated::Stopped(stop)) => {
            return Ok(Farewell::refused(visit.words_without_session(&stop)));
        }
        Err(Unseated::Unrecorded(words)) => return Ok(Farewell::refused(words)),
    };
    let _ = seat.set(taken);

    // The permit is on record, or nothing passes (R5).
    let (session, permit) = (&seated.session, &seated.permit);
    let unkept = opening.variables_unkept;
    if let Err(error) = session.permitted(visit, permit, &asked.flow, unkept).await {
        tracing::error!(%error, "a permit could not be put on record, so nothing passes");
        return Ok(Farewell::refused(visit.say("store-silent")));
    }

    // By lines of files, a copy is looked into.
    let start = &start.clone().by(permit);

    // The channel is opened in the recording, and closed there however it ends (R2).
    let mut passing = match Passing::begin(visit, opening, start, &seated).await {
        Ok(passing) => passing,
        Err(unrecorded) => return Ok(unrecorded),
    };
    let gate = passing.gate();
    let farewell = tokio::select! {
        biased;
        // The session's end, or this permit's own. The targets' sockets are closed by then.
        shut = gate.until_shut() => gate.shut(&shut),
        passed = async {
            // Told that it is recorded (P3), then dialled: what the permit says and nothing else. Then pumped until an end.
            let mut target = passing.dial().await?;
            let stopped = passing.pump(&mut target).await;
            target.leave();
            Ok(passing.ended(stopped).await)
        } => gate.passed(passed),
    };
    Ok(passing.conclude(farewell).await)
}

/// Serves a channel that asked for what is refused: says so and closes.
pub(crate) async fn refuse(mut opening: Opening, words: String) {
    let _ = take_leave(&mut opening, Farewell::refused(words)).await;
    close(&mut opening).await;
}

/// Closes a channel; returns when the close is on the wire. What the technician still sends is discarded first: a full queue
/// would keep the library's task from sending anything.
pub(super) async fn close(opening: &mut Opening) {
    opening.uplink.discard();
    let _ = opening.end.say(Piece::Close).await;
}

/// A defect in one channel ends its connection, whose recording is then closed as for any other end.
struct CutOnPanic(Arc<Visit>);

impl Drop for CutOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.connection().cut();
        }
    }
}
