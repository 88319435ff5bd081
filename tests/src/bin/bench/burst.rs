//! A burst: whether sealing catches up with much that came at once, and what that takes.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{recording, wait};

use crate::Bench;
use crate::bulk::{Way, paced};
use crate::gauge::{Peak, time_at_low_priority};
use crate::report::kibibytes;

/// Fastest that a technician takes it. **Unit**: bytes a second.
const PACE: f64 = 500e6;
/// What one session of a burst moves at most. **Unit**: bytes.
const SESSION: u64 = 1 << 30;
/// How long sealing may lag behind a burst for each byte of it, before it is said to hang; and at least.
const PATIENCE_PER_BYTE: f64 = 100e-9;
const PATIENCE: Duration = Duration::from_secs(300);

impl Bench<'_> {
    /// Sessions one after the other, without a pause; then the wait for the last seal.
    pub(crate) fn burst(&mut self) -> Result<()> {
        let whole = self.arguments.burst << 20;
        ensure!(whole > 0, "a burst of nothing");
        let sessions = whole.div_ceil(SESSION);
        let each = whole / sessions;
        // The journals of all, sealed files of all, and a file to send; a fourth of it for what else is written meanwhile.
        let needed = whole * 5 / 2 + each;
        let recordings = self.site.layout().recordings();
        let there = rustix::fs::statvfs(&recordings)?;
        let free = there.f_bavail * there.f_frsize;
        ensure!(
            free >= needed,
            "a burst of {} MiB takes {} MiB on {}, where {} are free: take a smaller one with --burst",
            whole >> 20,
            needed >> 20,
            recordings.display(),
            free >> 20
        );
        let file = self.site.layout().target_home().join("burst");
        std::io::copy(
            &mut Payload::new(Kind::Noise, each, 2),
            &mut File::create(&file)?,
        )?;

        let gateway = self.site.process()?.id();
        let memory = self.site.process()?.usage()?.memory;
        let sealing = time_at_low_priority(gateway)?;
        let peak = Peak::of(gateway);
        let began = Instant::now();
        for _ in 0..sessions {
            paced(
                &self.through(),
                Way::Down,
                "cat burst",
                &file,
                each,
                Some(PACE),
            )?;
        }
        let burst = began.elapsed().as_secs_f64();
        let behind = recording::files(&recordings, &|path| path.ends_with("live.journal"))?.len();
        let ended = Instant::now();
        let patience = PATIENCE + Duration::from_secs_f64(whole as f64 * PATIENCE_PER_BYTE);
        wait::until_true("the seal of the last recording", patience, || {
            Ok(recording::files(&recordings, &|path| path.ends_with("live.journal"))?.is_empty())
        })?;
        let late = ended.elapsed().as_secs_f64();
        let sealing = time_at_low_priority(gateway)? - sealing;
        let growth = peak.most()?.saturating_sub(memory);
        fs::remove_file(&file)?;
        // Once to know them, once to remove them: what follows has the disk for itself.
        self.recordings_are_finished()?;
        self.recordings_are_finished()?;

        self.note(
            &format!(
                "a burst of {} MiB down, noise, in {sessions} sessions one after the other",
                whole >> 20
            ),
            "",
            &format!("{:.0} MB/s", whole as f64 / 1e6 / burst),
            "taken at 500 MB/s at most",
            "",
            None,
        );
        self.note(
            "  from its end to the last seal",
            "",
            &format!("{late:.1} s"),
            &format!("{behind} recordings behind; the burst took {burst:.1} s"),
            "",
            None,
        );
        self.note(
            "  processor time of sealing, at low priority",
            "",
            &format!("{:.2} s/GB", sealing / (whole as f64 / 1e9)),
            "",
            "",
            None,
        );
        self.note(
            "  growth of the gateway's memory meanwhile",
            "",
            &kibibytes(growth),
            "",
            "",
            None,
        );
        self.note(
            "  room on the disk that was asked for before",
            "",
            &format!("{:.1} GiB", needed as f64 / f64::from(1 << 30)),
            &format!("{:.1} GiB were free", free as f64 / f64::from(1 << 30)),
            "",
            None,
        );
        Ok(())
    }
}
