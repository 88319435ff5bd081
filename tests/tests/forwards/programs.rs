//! Stock programs over forwards, and what Wireshark's reads of them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ecluse_tests::layout::write_private;
use ecluse_tests::target::sshd;
use ecluse_tests::{client, peers, wait};

use super::{Ground, PATIENCE, connect, echoes, free, noise, recordings, said};

/// An HTTP server of the machine's own, with a file to get.
fn web(body: &[u8]) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let body = body.to_vec();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let body = body.clone();
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte)?;
                    asked.extend(byte);
                }
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                )?;
                stream.write_all(&body)
            });
        }
    });
    Ok(port)
}

/// F1: a browser's way: `curl` by `ssh -D`, and by `ssh -L`; `psql` by `ssh -L` to a socket of PostgreSQL.
#[test]
fn f1_curl_and_psql_work_as_they_do_without() -> Result<()> {
    let body = noise(2_000_000, 9);
    let http = web(&body)?;
    let server = std::env::var("ECLUSE_TEST_POSTGRES")
        .context("no PostgreSQL: tests/run starts one, or set ECLUSE_TEST_POSTGRES")?;
    let (_, at) = server.split_once("://").context("no address")?;
    let at = at.split_once('@').map_or(at, |(_, at)| at);
    let at = at.split_once('/').map_or(at, |(at, _)| at);
    let postgres = match at.rsplit_once(':') {
        Some((_, port)) => port.parse::<u16>()?,
        None => 5432,
    };
    let ground = Ground::start_with(|plan, _| {
        let allow = &mut plan.documents.flow("dba")?.allow;
        allow.push(format!("forward: 127.0.0.1:{http}"));
        allow.push(format!("forward: 127.0.0.1:{postgres}"));
        Ok(())
    })?;
    let (proxy, web, sql) = (free()?, free()?, free()?);
    let _ssh = ground.ssh(
        &[
            "-D",
            &format!("127.0.0.1:{proxy}"),
            "-L",
            &format!("127.0.0.1:{web}:127.0.0.1:{http}"),
            "-L",
            &format!("127.0.0.1:{sql}:127.0.0.1:{postgres}"),
        ],
        sql,
    )?;
    let gets = |arguments: &[&str]| -> Result<Vec<u8>> {
        let mut curl = Command::new("curl");
        let answer = curl
            .args(["-sSf", "--max-time", "60"])
            .args(arguments)
            .output();
        let answer = answer.context("install curl")?;
        ensure!(answer.status.success(), "{answer:?}");
        Ok(answer.stdout)
    };
    let socks = format!("127.0.0.1:{proxy}");
    let url = format!("http://127.0.0.1:{http}/");
    ensure!(gets(&["--socks5-hostname", &socks, &url])? == body);
    ensure!(gets(&[&format!("http://127.0.0.1:{web}/")])? == body);
    let through = server.replacen(at, &format!("127.0.0.1:{sql}"), 1);
    let asked = Command::new("psql")
        .arg(&through)
        .args(["-Atqc", "SELECT count(*) FROM generate_series(1, 100000)"])
        .output()?;
    ensure!(
        String::from_utf8_lossy(&asked.stdout).trim() == "100000",
        "{asked:?}"
    );
    Ok(())
}

/// F1: paramiko's own channel, half closed, and the words it is refused in.
#[test]
fn f1_paramiko_opens_a_listed_place_and_reads_why_another_is_refused() -> Result<()> {
    let ground = Ground::start()?;
    let digest = ground.places.digest.to_string();
    let other = ground.places.other.to_string();
    let arguments = ["alice+db01", &digest, &other];
    let mut peer = peers::command(&ground.site, "paramiko_forward", &arguments)?;
    let answer = client::run(&mut peer, &[], PATIENCE)?;
    ensure!(answer.status == Some(0), "{answer:?}");
    // paramiko gives the code to its caller, and the words to its log.
    ensure!(answer.text().contains("same"), "{answer:?}");
    ensure!(
        answer.text().contains("(1, ")
            && said(&answer).contains(&format!("forward: 127.0.0.1:{other}")),
        "{answer:?}"
    );
    Ok(())
}

/// R1: what was recorded opens in Wireshark's: one conversation for each connection, each stream as it was, and nothing to complain of.
#[test]
fn r1_forwards_are_packets_that_tshark_reads_without_error() -> Result<()> {
    // What the target says at the log-on is of no connection.
    let ground = Ground::start_with(|plan, _| {
        let said = plan.layout.target().join("banner");
        write_private(&said, "Reserved.\n")?;
        let line = format!("Banner {}\n", said.display());
        write_private(&sshd::more(&plan.layout), &line)
    })?;
    let port = free()?;
    let place = format!("127.0.0.1:{port}:127.0.0.1:{}", ground.places.echo);
    let mut ssh = ground.ssh(&["-L", &place], port)?;
    for seed in 0..3 {
        echoes(&connect(port)?, &noise(150_000, seed))?;
    }
    ssh.child.kill()?;
    let cast = wait::until("the recording", PATIENCE, || {
        let all = recordings(&ground.site, "-forward.cast")?;
        Ok((all.len() == 3).then(|| all.first().cloned()).flatten())
    })?;
    let sealed = cast.parent().context("no directory")?;
    wait::until_true("its seal", PATIENCE, || {
        Ok(sealed.join("manifest.json.sig").exists())
    })?;
    let into = ground.site.layout().root().join("read");
    let key = ground.site.layout().recording_key();
    let told = ground.site.gateway().run(
        [
            "recordings".as_ref(),
            "read".as_ref(),
            sealed,
            "--into".as_ref(),
            &into,
            "--key".as_ref(),
            &key,
        ],
        "",
    )?;
    ensure!(told.contains("forwards.pcapng  3 connections"), "{told}");
    let packets = into.join("forwards.pcapng");
    let tshark = |arguments: &[&str]| -> Result<String> {
        let read = Command::new("tshark")
            .arg("-r")
            .arg(&packets)
            .args(arguments)
            .output();
        let read = read.context("install tshark")?;
        let errors = String::from_utf8_lossy(&read.stderr).into_owned();
        ensure!(read.status.success(), "{errors}");
        Ok(String::from_utf8(read.stdout)?)
    };
    let wrong = tshark(&[
        "-Y",
        "tcp.analysis.flags or _ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0",
    ])?;
    ensure!(wrong.is_empty(), "{wrong}");
    let streams = tshark(&["-T", "fields", "-e", "tcp.stream"])?;
    let mut streams: Vec<&str> = streams.split_whitespace().collect();
    streams.sort_unstable();
    streams.dedup();
    ensure!(streams.len() == 3, "{streams:?}");
    let raw = tshark(&["-q", "-z", "follow,tcp,raw,1"])?;
    let sent: String = raw
        .lines()
        .filter(|line| !line.starts_with('\t') && line.chars().all(|it| it.is_ascii_hexdigit()))
        .collect();
    let wanted: String = noise(150_000, 1)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    ensure!(sent == wanted, "{} of {}", sent.len(), wanted.len());
    // Found by its place, read as text, verified and bundled as anything else.
    let went = format!("127.0.0.1:{}", ground.places.echo);
    wait::until_sealed("the forward found by its place", || {
        let found = ground.site.auditor(&["search", &went, "--in", "forward"])?;
        Ok(found.text().contains(&went).then_some(()))
    })?;
    let text = ground.site.auditor(&["replay", "2", "--text"])?.text();
    ensure!(
        text.contains(&format!("forward: {went}")) && text.contains("connected:"),
        "{text}"
    );
    let gateway = ground.site.gateway();
    let verified = gateway.run(["journal", "verify", "--contents"], "")?;
    ensure!(verified.contains("intact"), "{verified}");
    let bundle = ground.site.layout().root().join("evidence.tar");
    gateway.run(
        [
            "export".as_ref(),
            "2".as_ref(),
            "--output".as_ref(),
            bundle.as_os_str(),
        ],
        "",
    )?;
    let verified = gateway.run(
        [
            "verify".as_ref(),
            "--key".as_ref(),
            key.as_os_str(),
            bundle.as_os_str(),
        ],
        "",
    )?;
    ensure!(verified.contains("intact"), "{verified}");
    Ok(())
}
