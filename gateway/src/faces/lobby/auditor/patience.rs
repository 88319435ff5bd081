//! What takes long to read says so, on standard error: nobody is left before a silent terminal.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use crate::faces::lobby::desk::{Desk, Trouble};

/// What takes longer says so.
const LONG: Duration = Duration::from_secs(1);

/// Waits for `work`, and says that it takes long where it does.
pub(super) async fn patiently<T>(
    desk: &mut Desk<'_>,
    work: impl Future<Output = T>,
) -> Result<T, Trouble> {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return Ok(done),
        () = sleep(LONG) => {}
    }
    desk.problem("replay-long", &[]).await?;
    Ok(work.await)
}
