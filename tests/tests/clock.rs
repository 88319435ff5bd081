//! The machine's clock against its time servers, as the audit trail tells it. R6, N7.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, Terminal, recording, store, wait};
use serde_json::Value;

/// A time server with the machine's own time, whatever the gateway's clock says.
struct TimeServer {
    address: String,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TimeServer {
    fn start() -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let address = socket.local_addr()?.to_string();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            let mut question = [0; 48];
            while !stop.load(Ordering::Acquire) {
                if let Ok((48, from)) = socket.recv_from(&mut question) {
                    let _ = socket.send_to(&answer(&question), from);
                }
            }
        });
        Ok(Self {
            address,
            stopping,
            thread: Some(thread),
        })
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Stratum 1, the question's token as origin, the machine's time.
fn answer(question: &[u8; 48]) -> [u8; 48] {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = (since.as_secs() + 2_208_988_800) & 0xffff_ffff;
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    let time = (seconds << 32 | fraction).to_be_bytes();
    let mut answer = [0; 48];
    answer[0] = (4 << 3) | 4;
    answer[1] = 1;
    answer[24..32].copy_from_slice(&question[40..48]);
    answer[32..40].copy_from_slice(&time);
    answer[40..48].copy_from_slice(&time);
    answer
}

fn offset(record: &Value) -> Result<i64> {
    record
        .pointer("/detail/offset-us")
        .and_then(Value::as_i64)
        .with_context(|| format!("no offset in {record}"))
}

/// R6: an administrator who sets the clock is on record, with how far it is from the common reference afterwards.
#[test]
fn a_clock_that_is_set_is_on_record_with_its_offset() -> Result<()> {
    let (one, other) = (TimeServer::start()?, TimeServer::start()?);
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.settings.tail = format!(
            "\n[clock]\nservers = [\"{}\", \"{}\"]\n",
            one.address, other.address
        );
        Ok(())
    })?;
    let first = store::audit_of(&site, None, "clock-reading")?;
    let at_start = first.first().context("no reading at the start")?;
    ensure!(
        offset(at_start)?.unsigned_abs() < 1_000_000,
        "a right clock is told as wrong: {at_start}"
    );
    site.clock().advance(-3600)?;
    let readings = wait::until("a reading after the jump", Duration::from_secs(60), || {
        let readings = store::audit_of(&site, None, "clock-reading")?;
        Ok((readings.len() > 1).then_some(readings))
    })?;
    let after = readings.last().context("no reading")?;
    ensure!(
        offset(after)?.abs_diff(3_600_000_000) < 2_000_000,
        "an hour behind is told as {after}"
    );
    let jumps = store::audit(&site, "clock-jump")?;
    let micros = jumps
        .first()
        .and_then(|jump| jump["detail"]["micros"].as_i64())
        .context("the jump is not on record")?;
    ensure!(micros.abs_diff(-3_600_000_000) < 2_000_000, "{jumps:?}");
    Ok(())
}

#[test]
fn without_time_servers_the_record_says_that_the_offset_is_unknown() -> Result<()> {
    let mut site = Site::start()?;
    let readings = store::audit_of(&site, None, "clock-reading")?;
    let reading = readings.first().context("no reading at the start")?;
    ensure!(
        reading["detail"]["source"] == "system" && reading["detail"]["offset-us"].is_null(),
        "{reading}"
    );
    let log = site.process()?.errors();
    ensure!(log.contains("the offset of the clock is unknown"), "{log}");
    Ok(())
}

/// R6: a recording itself says what was known of the clock when it began, and when that changed.
#[test]
fn a_recording_tells_of_the_clock_and_its_jumps() -> Result<()> {
    let server = TimeServer::start()?;
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.settings.tail = format!("\n[clock]\nservers = [\"{}\"]\n", server.address);
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    site.clock().advance(60)?;
    wait::until_true("a reading after the jump", Duration::from_secs(60), || {
        Ok(store::audit_of(&site, None, "clock-reading")?.len() > 1)
    })?;
    terminal.enters("exit")?;
    terminal.ends()?;
    let manifest = wait::until("the manifest", Duration::from_secs(120), || {
        let signed = |path: &std::path::Path| path.ends_with("manifest.json.sig");
        let found = recording::files(&site.layout().recordings(), &signed)?;
        Ok(found.first().map(|file| file.with_extension("")))
    })?;
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest)?)?;
    let readings = manifest
        .get("clock")
        .and_then(Value::as_array)
        .context("the manifest tells nothing of the clock")?;
    let number = |reading: Option<&Value>, field: &str| reading?.get(field)?.as_i64();
    let first = number(readings.first(), "offset-us").context("no offset at the start")?;
    ensure!(first.unsigned_abs() < 1_000_000, "{readings:?}");
    let jumped = readings
        .iter()
        .find_map(|reading| number(Some(reading), "jumped-us"))
        .context("the jump is not in the recording")?;
    // Fresh codes may have moved the clock further.
    ensure!(jumped > 59_000_000, "{readings:?}");
    let last = number(readings.last(), "offset-us").context("no offset after the jump")?;
    ensure!(last.abs_diff(-jumped) < 2_000_000, "{readings:?}");
    Ok(())
}
