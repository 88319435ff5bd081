//! Forwards by `ssh -L`: one bulk connection, and many small HTTP requests, each a connection of its own.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::process::Usage;
use ecluse_tests::{Site, Ssh, ports, wait};

use crate::report::median;
use crate::{Bench, CIPHER, EXCHANGE, STALL, limits};

/// Requests of one round.
const REQUESTS: u64 = 1_000;
/// What each gets.
const PAGE: usize = 2 << 10;

impl Bench<'_> {
    /// `-L` through the gateway and straight to the target, in turn.
    pub(crate) fn forwards(&mut self) -> Result<()> {
        let length = self.arguments.size << 20;
        let (bulk, pages) = (serve_bulk(length)?, serve_pages()?);
        let mut site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            plan.documents.extraction = super::metering::unlimited()?;
            let flow = plan.documents.flow("dba")?;
            for port in [bulk, pages] {
                flow.allow.push(format!("forward: 127.0.0.1:{port}"));
            }
            Ok(())
        })?;
        site.proven("alice", "db01")?;
        let what = format!("ssh -L: {} MiB down", self.arguments.size);
        let all = move |port| drain(port, length);
        self.forwarded(&mut site, &what, bulk, length, 0.85, &all)?;
        let what = format!("ssh -L: {REQUESTS} small HTTP requests, one after another");
        let bytes = REQUESTS * PAGE as u64;
        self.forwarded(&mut site, &what, pages, bytes, 0.8, &requests)?;
        Ok(())
    }

    fn forwarded(
        &mut self,
        site: &mut Site,
        what: &str,
        place: u16,
        length: u64,
        promised: f64,
        work: &dyn Fn(u16) -> Result<()>,
    ) -> Result<()> {
        let ways = [(site.direct(), false), (site.ssh("alice+db01"), true)];
        let (mut times, mut costs) = ([Vec::new(), Vec::new()], Vec::new());
        for _ in 0..self.arguments.rounds {
            for ((ssh, through), times) in ways.iter().zip(&mut times) {
                let gateway = site.process()?.id();
                let before = Usage::of(gateway)?.cpu;
                times.push(by(ssh, place, work)?);
                if *through {
                    costs.push((Usage::of(gateway)?.cpu - before) / (length as f64 / 1e9));
                }
            }
        }
        let [direct, through] = times.each_ref().map(|times| median(times));
        let shown = |time: f64| match promised {
            0.8 => format!("{:.0} a second", REQUESTS as f64 / time),
            _ => format!("{:.1} MB/s", length as f64 / 1e6 / time),
        };
        let ratio = direct / through;
        self.note(
            what,
            &shown(direct),
            &shown(through),
            &format!("{ratio:.2} ×"),
            &format!("≥ {promised:.2} ×"),
            Some(ratio >= promised),
        );
        self.note(
            "  processor time of the gateway, recording included",
            "",
            &format!("{:.2} s/GB", median(&costs)),
            "",
            "",
            None,
        );
        Ok(())
    }
}

/// How long `work` takes through `ssh -L`, once that listens. **Unit**: seconds.
fn by(ssh: &Ssh, place: u16, work: &dyn Fn(u16) -> Result<()>) -> Result<f64> {
    let port = ports::free_port()?;
    let mut running = ssh
        .clone()
        .option(CIPHER)
        .option(EXCHANGE)
        .option("ExitOnForwardFailure yes")
        .flag("-N")
        .flag("-L")
        .flag(format!("127.0.0.1:{port}:127.0.0.1:{place}"))
        .spawn()?;
    wait::until_true("the forward", STALL, || {
        // Seen without a connection, which would be a forward of its own.
        let listens = std::fs::read_to_string("/proc/net/tcp")?;
        Ok(listens.contains(&format!("0100007F:{port:04X} 00000000:0000 0A")))
    })?;
    let began = Instant::now();
    let done = work(port);
    let took = began.elapsed().as_secs_f64();
    let _ = running.child.kill();
    let _ = running.child.wait();
    done.map(|()| took)
}

fn drain(port: u16, length: u64) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(STALL))?;
    let came = io::copy(&mut stream, &mut io::sink())?;
    ensure!(came == length, "{came} of {length} bytes came");
    Ok(())
}

fn requests(port: u16) -> Result<()> {
    for _ in 0..REQUESTS {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(STALL))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        ensure!(answer.len() > PAGE, "{} bytes came", answer.len());
    }
    Ok(())
}

fn serve(each: impl Fn(TcpStream) -> io::Result<()> + Send + Clone + 'static) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    Ok(port)
}

fn serve_bulk(length: u64) -> Result<u16> {
    serve(move |mut stream| {
        io::copy(&mut Payload::new(Kind::Noise, length, 1), &mut stream)?;
        stream.shutdown(Shutdown::Write)
    })
}

fn serve_pages() -> Result<u16> {
    let page = Payload::new(Kind::Noise, PAGE as u64, 2).bytes();
    serve(move |mut stream| {
        let mut asked = BufReader::new(&stream);
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            asked.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {PAGE}\r\n\r\n");
        stream.write_all(&[answer.as_bytes(), &page].concat())
    })
}
