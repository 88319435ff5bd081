//! Setting up: how long one short session takes.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, Ssh};

use crate::report::{median, millis};
use crate::{Bench, CIPHER, EXCHANGE, limits};

impl Bench<'_> {
    pub(crate) fn setups(&mut self) -> Result<()> {
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.setups {
            direct.push(set_up(&self.direct())?);
            through.push(set_up(&self.through())?);
        }
        self.note_set_up(
            "session of `true`, two keys, code remembered",
            &direct,
            &through,
        );
        Ok(())
    }

    /// With the code itself: few, because each person has one code in thirty seconds.
    pub(crate) fn setups_with_codes(&mut self) -> Result<()> {
        let site = Site::start_with(|plan| {
            plan.documents.settings.remember = "0s".to_owned();
            plan.documents.settings.limits = limits();
            Ok(())
        })?;
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        for person in ["alice", "bruno"] {
            site.approved(person, "db01")?;
        }
        for _ in 0..3 {
            for person in ["alice", "bruno"] {
                let code = site.fresh_code(person)?;
                direct.push(set_up(&site.direct().option(CIPHER).option(EXCHANGE))?);
                through.push(set_up(
                    &site
                        .ssh(&format!("{person}+db01"))
                        .option(CIPHER)
                        .option(EXCHANGE)
                        .code(&code),
                )?);
            }
        }
        self.note_set_up(
            "session of `true`, two keys and a code typed by a script",
            &direct,
            &through,
        );
        Ok(())
    }

    fn note_set_up(&mut self, what: &str, direct: &[f64], through: &[f64]) {
        let (direct, through) = (median(direct), median(through));
        let more = through - direct;
        self.note(
            what,
            &millis(direct),
            &millis(through),
            &format!("+ {}", millis(more)),
            "≤ + 60 ms",
            Some(more <= 0.060),
        );
    }
}

fn set_up(ssh: &Ssh) -> Result<f64> {
    let mut command = ssh.clone().run("true").command();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    let began = Instant::now();
    let status = command.status()?;
    ensure!(status.success(), "a session ended with {status}");
    Ok(began.elapsed().as_secs_f64())
}
