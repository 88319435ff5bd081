//! `ecluse enroll PERSON`: a one-time-password secret, confirmed by a first code.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use ecluse_policy::PersonId;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::{administrator, in_force, prompt};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::faces::commands::out::{errln, outln};
use crate::identity::totp::TotpSecret;
use crate::secrets::read_secret;
use crate::store::{Enrolled, NewEnrolment, Store};

/// What applications show beside the person's id.
const ISSUER: &str = "Ecluse";

/// How often a wrong first code may be tried again.
const TRIES: usize = 3;

/// Give a person their second factor: shows a secret as a QR code and as an otpauth:// URL, asks for a first
/// code, and stores the secret, sealed, once the code is right.
///
/// The person must stand in the documents in force. The first code is read from standard input, a line,
/// whether that is a terminal or not. It is used up: the next login needs a later one.
#[derive(Debug, Args)]
pub(super) struct Enroll {
    /// The person's id.
    #[arg(value_name = "PERSON", value_parser = PersonId::parse)]
    person: PersonId,
    /// Take the secret (base32) from a file, as hardware tokens bring theirs along, rather than make one.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Replace the person's earlier secret, which stops working. It is asked for too where only the log tells of one.
    #[arg(long)]
    replace: bool,
}

impl Enroll {
    pub(super) async fn run(&self, store: &Store) -> anyhow::Result<()> {
        let person = &self.person;
        let applied = in_force(store).await?;
        anyhow::ensure!(
            applied.documents.person(person).is_some(),
            "{person} is not in the documents in force (version {}); name them in a file of providers/ or clients/, then run: ecluse apply DIR",
            applied.version
        );
        if !self.replace {
            if let Some(earlier) = store.enrolment(person).await? {
                anyhow::bail!(already(person, &earlier));
            }
            if store.is_enrolment_on_record(person).await? {
                anyhow::bail!(on_record(person));
            }
        }
        let secret = self.secret()?;
        show(&secret, person)?;
        let step = confirm(&secret).await?;
        let (by, at) = (administrator(), clock::now());
        let record = AuditRecord::new(AuditKind::Enrolment, at)
            .person(person)
            .detail("by", by.as_str());
        let new = NewEnrolment {
            person,
            secret: &secret,
            step,
            by: &by,
            at,
        };
        match store.enrol(&new, self.replace, &[record]).await? {
            Enrolled::Done => {
                outln!(
                    "{person} is enrolled. The code just given is used up; the next login takes the next one."
                );
                Ok(())
            }
            Enrolled::Already(earlier) => anyhow::bail!(already(person, &earlier)),
            Enrolled::OnRecord => anyhow::bail!(on_record(person)),
        }
    }

    fn secret(&self) -> anyhow::Result<TotpSecret> {
        let Some(file) = &self.secret_file else {
            return Ok(TotpSecret::generate()?);
        };
        let bytes = read_secret(file)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("not text"));
        text.and_then(|text| Ok(TotpSecret::parse(text)?))
            .with_context(|| file.display().to_string())
    }
}

fn already(person: &PersonId, earlier: &crate::store::Enrolment) -> String {
    let since = match earlier.disabled_at {
        Some(at) => format!("{person} was enrolled, and is disabled since {at}"),
        None => format!("{person} is enrolled since {}", earlier.confirmed_at),
    };
    format!("{since}; to put a new secret in its place, run: ecluse enroll {person} --replace")
}

fn on_record(person: &PersonId) -> String {
    format!(
        "the log tells of an enrolment of {person}, and the store has no row of it: somebody took it out; find out who changed the store: ecluse journal verify; to put a new secret in its place, run: ecluse enroll {person} --replace"
    )
}

fn show(secret: &TotpSecret, person: &PersonId) -> anyhow::Result<()> {
    let url = secret.url(ISSUER, person)?;
    if std::io::stdout().is_terminal() {
        outln!("{}", drawn(&url)?);
    }
    outln!("{}", url.as_str());
    outln!(
        "Secret, where it must be typed: {}",
        secret.to_base32().as_str()
    );
    Ok(())
}

/// The QR code in half blocks. Its colours are set, since a terminal may be dark or light and readers want
/// dark on light.
fn drawn(url: &str) -> anyhow::Result<String> {
    let code =
        QrCode::new(url).context("the URL does not fit a QR code; type the secret instead")?;
    let image = code.render::<Dense1x2>().quiet_zone(true).build();
    let lines: Vec<String> = image
        .lines()
        .map(|line| format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m"))
        .collect();
    Ok(lines.join("\n"))
}

/// Asks for a first code until it is right; the step it belongs to.
async fn confirm(secret: &TotpSecret) -> anyhow::Result<u64> {
    for _ in 0..TRIES {
        let code =
            prompt::line("First code (Ctrl-C leaves, and enrols nobody): ".to_owned()).await?;
        let Some(code) = code else {
            anyhow::bail!("no code was given; nothing was enrolled");
        };
        if let Some(step) = secret.check(&code, clock::now()) {
            return Ok(step);
        }
        errln!(
            "This code is not right. If the application shows another one, compare the clocks: here it is {}.",
            clock::now()
        );
    }
    anyhow::bail!("no right code in {TRIES} tries; nothing was enrolled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_qr_code_is_drawn_dark_on_light_whatever_the_terminal() {
        let drawn = drawn(
            "otpauth://totp/Ecluse:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ecluse",
        )
        .unwrap();
        let widths: Vec<usize> = drawn.lines().map(|line| line.chars().count()).collect();
        assert!(widths.len() > 10 && widths.iter().all(|width| *width == widths[0]));
        assert!(drawn.lines().all(|line| line.starts_with("\x1b[38;5;16;48;5;231m") && line.ends_with("\x1b[0m")));
        // The quiet zone around it is light: the first line is blank on the light ground.
        assert!(drawn.lines().next().unwrap().contains("m    "));
    }
}
