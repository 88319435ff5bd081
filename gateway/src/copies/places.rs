//! Checkpoints to directories and web hooks: on a machine that the gateway's administrator does not run, a checkpoint is
//! what makes a later rewriting of the journal provable.

use ecluse_policy::documents::{Certificates, CheckpointPlace};
use ecluse_recordings::log::Extension;

use super::directory::{self, Laid};
use super::web_hook::{self, Posted};
use super::{Errand, PAUSE, checkpoints_since, extension, pause, size_of, stopped, trail_of};
use crate::clock;
use crate::store::{Copied, StoreError, Topics};

/// Checkpoints read at once.
const PAGE: u32 = 32;

/// What came of one checkpoint.
enum Came {
    /// It arrived.
    Arrived,
    /// It arrived, and contradicts what is there.
    Contradicts(String),
    /// It did not arrive.
    Failed(String),
}

/// Lays down every checkpoint until told to stop.
pub(super) async fn run(
    mut errand: Errand,
    place: &CheckpointPlace,
    authority: Option<&Certificates>,
) {
    let mut wait = PAUSE.0;
    let mut told = false;
    let mut changes = errand.store.changes(Topics::checkpoints());
    loop {
        // Known before, so that what is signed last is laid down too.
        let stopping = *errand.stop.borrow();
        changes.mark_unchanged();
        match lay_down_all(&mut errand, place, authority, &mut told).await {
            Ok(Came::Failed(problem)) => errand.absence.is_away(&problem).await,
            Ok(Came::Arrived | Came::Contradicts(_)) => {
                if stopping || said_farewell(&errand).await {
                    return;
                }
                wait = PAUSE.0;
                tokio::select! {
                    _ = changes.changed() => {}
                    Ok(()) = errand.farewell.changed() => {}
                    () = stopped(&mut errand.stop) => {}
                }
                continue;
            }
            Err(error) => tracing::error!(%error, "checkpoints cannot be read from the store"),
        }
        if pause(&mut wait, &mut errand.stop).await {
            return;
        }
    }
}

/// Whether the place has what it is still owed.
async fn said_farewell(errand: &Errand) -> bool {
    let copied = errand.store.copied(&errand.key).await;
    let next = copied.ok().flatten().map(|copied| copied.next_checkpoint);
    next.is_some_and(|next| errand.is_farewell_said(next))
}

async fn lay_down_all(
    errand: &mut Errand,
    place: &CheckpointPlace,
    authority: Option<&Certificates>,
    told: &mut bool,
) -> Result<Came, StoreError> {
    loop {
        let next = errand
            .store
            .copied(&errand.key)
            .await?
            .map_or(0, |copied| copied.next_checkpoint);
        let checkpoints = checkpoints_since(&errand.store, next, PAGE).await?;
        if checkpoints.is_empty() {
            return Ok(Came::Arrived);
        }
        for (size, checkpoint) in checkpoints {
            let came = match place {
                CheckpointPlace::Directory(path) => in_directory(errand, path, checkpoint).await?,
                CheckpointPlace::Url(url) => at_hook(errand, url, authority, checkpoint).await?,
            };
            match came {
                Came::Arrived => errand.absence.is_there().await,
                // Once a run: every later checkpoint contradicts it too.
                Came::Contradicts(problem) => {
                    if !std::mem::replace(told, true) {
                        errand.absence.contradicts(&problem).await;
                    }
                }
                failed @ Came::Failed(_) => return Ok(failed),
            }
            let copied = Copied {
                next_entry: 1,
                next_checkpoint: size.saturating_add(1),
                at: clock::now(),
            };
            errand.store.set_copied(&errand.key, copied).await?;
        }
    }
}

/// In a directory, the proof leads from what lies there.
async fn in_directory(
    errand: &Errand,
    path: &str,
    checkpoint: Extension,
) -> Result<Came, StoreError> {
    let latest = match blocking({
        let path = path.to_owned();
        move || directory::latest(&path)
    })
    .await
    {
        Ok(latest) => latest,
        Err(problem) => return Ok(Came::Failed(problem)),
    };
    let size = size_of(&checkpoint.note)?;
    let checkpoint = match &latest {
        Some(latest) if latest.size < size && latest.size != checkpoint.old => {
            extension(&errand.store, latest.size, checkpoint.note).await?
        }
        Some(_) | None => checkpoint,
    };
    let path = path.to_owned();
    let trail = trail_of(errand, size).await?;
    let client = errand.client.clone();
    let laid = blocking(move || {
        if let Some(head) = trail {
            directory::lay_trail(&path, size, &client, head)?;
        }
        directory::lay_down(&path, latest.as_ref(), &checkpoint)
    })
    .await;
    Ok(match laid {
        Ok(Laid::Arrived) => Came::Arrived,
        Ok(Laid::Contradicts(problem)) => Came::Contradicts(problem),
        Err(problem) => Came::Failed(problem),
    })
}

/// A mounted directory may stand still: its thread then does, and nothing else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// A web hook may know another size than we remember, and says which.
async fn at_hook(
    errand: &Errand,
    url: &str,
    authority: Option<&Certificates>,
    checkpoint: Extension,
) -> Result<Came, StoreError> {
    let size = size_of(&checkpoint.note)?;
    let trail = trail_of(errand, size).await?;
    let trail = trail.map(|head| format!("{} {} {}", errand.client, head.nth, head.leaf));
    let hook = match web_hook::WebHook::new(url, authority, trail) {
        Ok(hook) => hook,
        Err(problem) => return Ok(Came::Failed(problem)),
    };
    let knows = match hook.post(&checkpoint).await {
        Ok(Posted::Arrived) => return Ok(Came::Arrived),
        Ok(Posted::Knows(knows)) => knows,
        Err(problem) => return Ok(Came::Failed(problem)),
    };
    if knows > size {
        let problem = format!(
            "it has a checkpoint of {knows} entries, and the journal has {size}: entries were taken away"
        );
        return Ok(Came::Contradicts(problem));
    }
    let again = extension(&errand.store, knows, checkpoint.note).await?;
    Ok(match hook.post(&again).await {
        Ok(Posted::Arrived) => Came::Arrived,
        Ok(Posted::Knows(_)) => {
            Came::Failed("it does not accept the proof that it asked for".into())
        }
        Err(problem) => Came::Failed(problem),
    })
}
