//! The demo: a gateway, a target and four people on one machine, ready to be tried.
//!
//! `config/demo` builds and runs it. Its other subcommands are what the site needs of a program: answers to `ssh` when it asks
//! for a one-time code, and the target of machines without an sshd.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use ecluse_tests::clock::Clock;
use ecluse_tests::codes::{Codes, secret_of};
use ecluse_tests::environment::shell_word;
use ecluse_tests::layout::{Layout, write_private};
use ecluse_tests::ports::Ports;
use ecluse_tests::site::Site;
use ecluse_tests::{environment, plan, target};
use rustix::fs::{FlockOperation, flock};

/// A gateway, a target and four people on one machine, to try Écluse.
#[derive(Debug, Parser)]
#[command(name = "config/demo", version)]
struct Arguments {
    /// Where keys, documents, store and recordings are kept from one start to the next.
    #[arg(
        long,
        global = true,
        default_value = "config/demo-state",
        value_name = "DIR"
    )]
    state: PathBuf,
    /// The SSH door listens on N, the target on N + 1, a page that only the target sees on N + 2.
    #[arg(long, default_value_t = 2222, value_name = "N")]
    port_base: u16,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a one-time code of PERSON that was not used yet.
    Code {
        /// alice, bruno, odile or aurele.
        person: String,
    },
    /// Answer `ssh` when it asks for a code.
    #[command(hide = true)]
    Askpass {
        /// What `ssh` asks.
        prompt: Vec<String>,
    },
    /// Serve as the target.
    #[command(hide = true)]
    Target {
        /// Where to listen on 127.0.0.1.
        #[arg(long)]
        port: u16,
    },
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // In words alone: whoever tries the demo reads no backtrace.
        Err(error) => {
            eprintln!("config/demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let Arguments {
        state,
        port_base,
        action,
    } = Arguments::parse();
    match action {
        None => demo(&state, port_base),
        Some(Action::Code { person }) => {
            println!("{}", code(&state, &person)?);
            Ok(())
        }
        Some(Action::Askpass { prompt }) => askpass(&state, &prompt.join(" ")),
        Some(Action::Target { port }) => {
            let layout = Layout::open(&state)?;
            runtime()?.block_on(target::builtin::serve(&layout, port))
        }
    }
}

fn demo(state: &std::path::Path, port_base: u16) -> Result<()> {
    let layout = Layout::create(state)?;
    let lock = std::fs::File::create(layout.root().join("lock"))
        .context("the state directory cannot be written")?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "a demo already runs on {}: stop it, or choose another directory with --state DIR",
            layout.root().display()
        );
    }
    let ports = Ports::from_base(port_base)?;
    let runtime = runtime()?;
    // Listened for before anything starts: a stop during the start is a stop.
    let (mut terminate, mut interrupt) = runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        Ok::<_, std::io::Error>((
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ))
    })?;
    serve_page(ports.page())?;
    let mut site = Site::demo(layout, ports)?;
    // As anybody's own client: what the gateway says at the door is shown.
    let configuration = std::fs::read_to_string(site.layout().ssh_config())?;
    // Who jumps knows the targets by the gateway's authority.
    let known = site.layout().root().join("known_by_jumps");
    write_private(&known, &site.gateway().run(["host-ca"], "")?)?;
    let jumps = format!(
        "Host {}\n    UserKnownHostsFile \"{}\"\n    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    IdentityAgent none\n    IdentityFile /dev/null\n",
        plan::TARGET,
        known.display()
    );
    write_private(
        &site.layout().ssh_config(),
        &(configuration.replace("LogLevel ERROR", "LogLevel INFO") + &jumps),
    )?;
    let variables = environment::text(&mut site)?;
    write_private(&site.layout().environment(), &variables)?;
    print_guide(&site)?;
    println!("ready");
    std::io::stdout().flush()?;
    let ended = runtime.block_on(async {
        let mut look = tokio::time::interval(std::time::Duration::from_millis(200));
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(false),
                _ = interrupt.recv() => return Ok(false),
                _ = look.tick() => if !site.process()?.is_running()? { return Ok::<_, anyhow::Error>(true) },
            }
        }
    })?;
    let logs = site.layout().logs();
    site.stop()?;
    drop(lock);
    if ended {
        bail!(
            "the gateway ended by itself; see {}",
            logs.join("gateway.err").display()
        );
    }
    Ok(())
}

/// Serves a page that only the target's machine sees, to be reached by `ssh -L`.
fn serve_page(port: u16) -> Result<()> {
    const PAGE: &str = "Vous êtes passé par l'écluse.\nYou came through the lock.\n";
    let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || -> std::io::Result<()> {
                stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
                // Whatever is asked for, once its head has come.
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && head.len() < 16 << 10 {
                    stream.read_exact(&mut byte)?;
                    head.extend(byte);
                }
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PAGE}",
                    PAGE.len()
                )
            });
        }
    });
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")
}

fn code(state: &std::path::Path, person: &str) -> Result<String> {
    let layout = Layout::open(state)?;
    let secret = secret_of(&layout.secret(person))?;
    Codes::new(layout.codes(), Clock::of(layout.root())).fresh(person, &secret)
}

/// Answers a prompt for a code; declines to confirm a host key or unlock a key.
fn askpass(state: &std::path::Path, prompt: &str) -> Result<()> {
    if prompt.contains("(yes/no") || prompt.contains("passphrase") {
        bail!("not answered: {prompt}");
    }
    if let Ok(fixed) = std::env::var("ECLUSE_CODE") {
        println!("{fixed}");
        return Ok(());
    }
    let person = std::env::var("ECLUSE_PERSON")
        .context("ECLUSE_PERSON does not say whose code is wanted")?;
    println!("{}", code(state, &person)?);
    Ok(())
}

fn print_guide(site: &Site) -> Result<()> {
    let layout = site.layout();
    let config_of_ssh = shell_word(&layout.ssh_config());
    let ssh = format!("ssh -F {config_of_ssh}");
    let code = shell_word(&layout.code());
    let page = site.plan().ports.page();
    let (waits, account) = (plan::WAITS, target::account()?);
    let [(alice, _), (bruno, _)] = plan::TECHNICIANS;
    let (operator, auditor, target) = (plan::OPERATOR, plan::AUDITOR, plan::TARGET);
    let ecluse = shell_word(site.gateway().binary());
    let config = shell_word(&layout.config());
    let (settings, key) = (
        shell_word(&layout.settings()),
        shell_word(&layout.recording_key()),
    );
    match site.plan().target {
        Some(target::Kind::OpenSsh) => println!(
            "The target is this machine's own sshd, run privately, as {}.",
            target::account()?
        ),
        _ => println!(
            "There is no sshd on this machine: the target is a small built-in SSH server with a real shell, as {}.",
            target::account()?
        ),
    }
    println!(
        "\nA technician asks for {target} and waits for the client's yes (or {bruno}, instead of {alice}):\n  {ssh} {alice}+{target}@gw\n\
         The code it asks for:\n  {code} {alice}\n\
         Once it is approved, files too, below its home; what goes to {waits}/ waits for a yes of the client each time it is a new file:\n  sftp -F {config_of_ssh} {alice}+{target}@gw\n\
         Or by a jump, as to any machine behind another:\n  {ssh} -J {alice}@gw {account}@{target}\n\
         And a page that only the target sees, at http://127.0.0.1:8080/ while this runs:\n  {ssh} -N -L 8080:127.0.0.1:{page} {alice}+{target}@gw\n\
         \nThe client's operator, in another terminal (code: {code} {operator}):\n  {ssh} {operator}@gw pending\n  {ssh} -t {operator}@gw approve NUMBER\n  {ssh} {operator}@gw live\n  {ssh} -t {operator}@gw confirm\n  {ssh} {operator}@gw receipts\n  {ssh} -t {operator}@gw watch SESSION\n  {ssh} {operator}@gw cut all\n\
         \nThe client's auditor, afterwards (code: {code} {auditor}):\n  {ssh} {auditor}@gw recordings\n  {ssh} {auditor}@gw search WORDS\n  {ssh} {auditor}@gw search --in file --way in\n  {ssh} -t {auditor}@gw replay RECORDING\n\
         \nEvidence that is checked anywhere, with the client's own key:\n  {ecluse} --config {settings} export 1 --output evidence.tar\n  {ecluse} verify --key {key} evidence.tar\n\
         \nRecordings:  {}\nDocuments:   {}\nVariables:   {}\nGateway log: {}\n\nStop with Ctrl-C; start again with the same command. What you change in the documents stays; put it in force with:\n  {ecluse} --config {settings} apply {config}\n",
        layout.recordings().display(),
        layout.config().display(),
        layout.environment().display(),
        layout.logs().join("gateway.err").display()
    );
    Ok(())
}
