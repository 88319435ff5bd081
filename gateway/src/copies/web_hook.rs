//! Checkpoints to a client's web hook: a POST of what a witness is asked with (C2SP tlog-witness, add-checkpoint), so
//! that a stock witness is one.

use std::time::Duration;

use ecluse_policy::documents::Certificates;
use ecluse_recordings::log::Extension;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode};

/// How long an answer may take in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest answer that is read, in bytes.
const LONGEST: usize = 4096;

/// What came of it.
pub(super) enum Posted {
    /// It was taken.
    Arrived,
    /// The hook has a checkpoint of this size already, and wants the proof from there.
    Knows(u64),
}

/// A web hook.
pub(super) struct WebHook<'u> {
    url: &'u str,
    client: Client,
    /// How far the client's own trail had come: its name, the number of entries, the hash of the last one.
    trail: Option<String>,
}

/// The header that says so.
const TRAIL: &str = "Ecluse-Trail";

impl<'u> WebHook<'u> {
    /// Trusts the system's authorities, and the client's own.
    pub(super) fn new(
        url: &'u str,
        authority: Option<&Certificates>,
        trail: Option<String>,
    ) -> Result<Self, String> {
        let mut builder = Client::builder()
            .https_only(true)
            // A hook that leads elsewhere is not the one in the document.
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .user_agent(concat!("ecluse/", env!("CARGO_PKG_VERSION")));
        if let Some(authority) = authority {
            let certificates = Certificate::from_pem_bundle(authority.as_str().as_bytes())
                .map_err(|error| told(&error))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| told(&error))?;
        Ok(Self { url, client, trail })
    }

    /// Posts one checkpoint.
    pub(super) async fn post(&self, checkpoint: &Extension) -> Result<Posted, String> {
        self.send(checkpoint.text()).await
    }

    async fn send(&self, text: String) -> Result<Posted, String> {
        let mut request = self
            .client
            .post(self.url)
            .header("content-type", "text/plain; charset=utf-8");
        if let Some(trail) = &self.trail {
            request = request.header(TRAIL, trail);
        }
        let answer = request
            .body(text)
            .send()
            .await
            .map_err(|error| told(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Posted::Arrived);
        }
        if status == StatusCode::CONFLICT
            && let Some(size) = read(answer).await.and_then(|text| text.trim().parse().ok())
        {
            return Ok(Posted::Knows(size));
        }
        Err(format!("it answers {status}"))
    }
}

async fn read(mut answer: reqwest::Response) -> Option<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The whole chain of causes: the library's own words stop at "error sending request".
fn told(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::testing::TlsServer;

    #[tokio::test]
    async fn a_hook_is_offered_a_post_quantum_exchange_first() {
        let server = TlsServer::start(None).await;
        let url = format!("https://127.0.0.1:{}/", server.port());
        let hook = WebHook::new(&url, Some(&server.certificates()), None).unwrap();
        let (group, _) = tokio::join!(server.negotiated(), hook.send("a checkpoint".to_owned()));
        assert_eq!(group, "X25519MLKEM768");
    }
}
