//! Memory: of a reader that stands still, of shells that nobody types into, and of sealing what many channels moved.

use std::io::Read;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ecluse_tests::Ssh;
use ecluse_tests::payload::Kind;

use crate::Bench;
use crate::bulk::{Way, transfer};
use crate::gauge::Peak;
use crate::report::kibibytes;

/// What each of many channels moves. **Unit**: bytes.
const EACH: u64 = 4 << 20;

impl Bench<'_> {
    pub(crate) fn stalled_reader(&mut self) -> Result<()> {
        let (file, length) = self.file(Kind::Noise)?;
        transfer(
            &self.through(),
            Way::Down,
            &Way::Down.command("noise"),
            &file,
            length,
        )?;
        self.recordings_are_finished()?;
        let before = self.site.process()?.usage()?.memory;
        let mut client = self.through().run("cat noise").command();
        let mut child = client
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = child.stdout.take().context("no stdout")?;
        let mut some = vec![0_u8; 1 << 20];
        let mut worst = 0;
        // Half of it flows, then the reader stands still for ten seconds, then the rest flows.
        let mut left = length;
        let mut stalled = false;
        while left > 0 {
            let read = stdout.read(&mut some)?;
            ensure!(read > 0, "the transfer ended {left} bytes early");
            left = left.saturating_sub(u64::try_from(read)?);
            if !stalled && left < length / 2 {
                stalled = true;
                for _ in 0..100 {
                    thread::sleep(Duration::from_millis(100));
                    worst = worst.max(self.site.process()?.usage()?.memory.saturating_sub(before));
                }
            }
            if left % (1 << 24) < (1 << 15) {
                worst = worst.max(self.site.process()?.usage()?.memory.saturating_sub(before));
            }
        }
        child.wait()?;
        self.recordings_are_finished()?;
        self.note(
            &format!(
                "growth while a reader stalls during {} MiB",
                self.arguments.size
            ),
            "",
            &kibibytes(worst),
            "",
            "≤ 16 MiB",
            Some(worst <= 16 << 20),
        );
        Ok(())
    }

    pub(crate) fn idle_shells(&mut self) -> Result<()> {
        let before = self.site.process()?.usage()?.memory;
        let mut shells = Vec::new();
        while shells.len() < self.arguments.sessions {
            let batch = (self.arguments.sessions - shells.len()).min(8);
            let mut opening = Vec::new();
            for _ in 0..batch {
                opening.push(Shell::start(&self.through())?);
            }
            for mut shell in opening {
                shell.sees_prompt()?;
                shells.push(shell);
            }
        }
        let each = self.site.process()?.usage()?.memory.saturating_sub(before)
            / u64::try_from(shells.len().max(1))?;
        self.note(
            &format!(
                "memory of the gateway for an idle shell, of {}",
                shells.len()
            ),
            "",
            &kibibytes(each),
            "",
            "≤ 200 KiB",
            Some(each <= 200 << 10),
        );
        drop(shells);
        self.site
            .wait_for_target_sessions(0, Duration::from_secs(60))
    }

    /// Many channels of one connection, each of which moved some noise, close together: what sealing them takes at once.
    pub(crate) fn sealing_of_many_channels(&mut self) -> Result<()> {
        let before = self.site.process()?.usage()?.memory;
        let shared = self.through().shared("channels");
        shared.clone().run("true").answer()?.success()?;
        let mut channels = Vec::new();
        for _ in 0..self.arguments.channels {
            channels.push(Channel::start(&shared)?);
        }
        for channel in &mut channels {
            channel.receives()?;
        }
        let open = self.site.process()?.usage()?.memory;
        let peak = Peak::of(self.site.process()?.id());
        let count = channels.len();
        // All are told to end before the first is waited for.
        for channel in &mut channels {
            drop(channel.keys.take());
        }
        for mut channel in channels {
            let status = channel.child.wait()?;
            ensure!(status.success(), "a channel ended with {status}");
        }
        shared.flag("-O").flag("exit").answer()?.success()?;
        self.recordings_are_finished()?;
        let most = peak.most()?;
        let by_sealing = most.saturating_sub(open);
        self.note(
            &format!(
                "memory that sealing takes, of a session of {count} channels that closed together, {} MiB of noise each",
                EACH >> 20
            ),
            &format!(
                "{} by the channels themselves",
                kibibytes(open.saturating_sub(before))
            ),
            &kibibytes(by_sealing),
            "",
            "≤ 64 MiB",
            Some(by_sealing <= 64 << 20),
        );
        Ok(())
    }
}

/// A channel that moved its noise and waits for the end of its input.
struct Channel {
    child: Child,
    keys: Option<ChildStdin>,
    screen: ChildStdout,
}

impl Channel {
    fn start(shared: &Ssh) -> Result<Self> {
        let mut command = shared
            .clone()
            .run(format!("head -c {EACH} /dev/urandom; exec cat"))
            .command();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let screen = child.stdout.take().context("no stdout")?;
        Ok(Self {
            keys: child.stdin.take(),
            child,
            screen,
        })
    }

    fn receives(&mut self) -> Result<()> {
        let mut noise = (&mut self.screen).take(EACH);
        let received = std::io::copy(&mut noise, &mut std::io::sink())?;
        ensure!(received == EACH, "{received} of {EACH} bytes arrived");
        Ok(())
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shell that nobody types into.
struct Shell {
    child: Child,
    _keys: ChildStdin,
    screen: ChildStdout,
}

impl Shell {
    fn start(ssh: &Ssh) -> Result<Self> {
        let mut command = ssh.clone().flag("-tt").command();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let keys = child.stdin.take().context("no stdin")?;
        let screen = child.stdout.take().context("no stdout")?;
        Ok(Self {
            child,
            _keys: keys,
            screen,
        })
    }

    fn sees_prompt(&mut self) -> Result<()> {
        let mut seen = Vec::new();
        let mut one = [0_u8; 1];
        while !seen.ends_with(b"target$ ") {
            if self.screen.read(&mut one)? == 0 {
                bail!(
                    "a shell ended before its prompt: {}",
                    String::from_utf8_lossy(&seen)
                );
            }
            seen.extend(one);
        }
        Ok(())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
