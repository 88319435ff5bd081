//! What a client's own trail says of the providers that its matrix reaches: it vouches for their documents alone, and tells
//! nothing of those it does not reach (R3, R9).

use ecluse_policy::ClientId;
use ecluse_recordings::bound as keys;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets::new_ed25519;
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{AuditQuery, DocumentTexts};

fn provider(bruno: &str, stations: &str) -> String {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    format!(
        "[provider]\nid = \"maintech\"\nname = \"Maintech\"\nlang = \"en\"\n\
         [[technician]]\nid = \"alice\"\nname = \"Alice\"\nstations = [{stations}]\n\
         [[technician]]\nid = \"bruno\"\nname = \"{bruno}\"\nstations = [\"ws-2\"]\n\
         [[station]]\nid = \"ws-1\"\nkeys = [\"{key}\"]\nnetworks = [\"192.0.2.0/24\"]\n\
         [[station]]\nid = \"ws-2\"\nkeys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBsuTEXp9LKz/ElEhRFQf5wwPQ4U5XuWXVqTlsFZDPwl\"]\nnetworks = [\"192.0.2.0/24\"]\n"
    )
}

/// A client whose matrix names these technicians; none: it has no flow.
fn client(id: &str, technicians: &str, host_key: &str) -> String {
    let mut text = format!(
        "[client]\nid = \"{id}\"\nname = \"{id}\"\nlang = \"fr\"\n[contacts]\ndecision = \"RSSI\"\n\
         [[operator]]\nid = \"odile-{id}\"\nname = \"O\"\nkeys = []\n\
         [[target]]\nid = \"db-{id}\"\naddress = \"10.1.2.3:22\"\nprotocol = \"ssh\"\nhost-keys = [\"{host_key}\"]\naccounts = [\"postgres\"]\n"
    );
    if !technicians.is_empty() {
        text += &format!(
            "[[flow]]\nname = \"dba\"\ntechnicians = [\"{technicians}\"]\ntargets = [\"db-{id}\"]\naccounts = [\"postgres\"]\n\
             allow = [\"shell\"]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n\
             extraction = {{ session = \"50 MiB\", intervention = \"200 MiB\" }}\n"
        );
    }
    text
}

struct World {
    host_key: String,
    texts: DocumentTexts,
}

impl World {
    fn new() -> Self {
        let key = new_ed25519("db").unwrap();
        let host_key = key.public_key().to_openssh().unwrap();
        let mut world = Self {
            host_key,
            texts: DocumentTexts::new(),
        };
        world.provider(&provider("Bruno", "\"ws-1\""));
        world.client("hopital", "");
        world.client("mairie", "maintech/bruno");
        world
    }

    fn provider(&mut self, text: &str) {
        self.texts
            .insert("providers/maintech.toml".into(), text.to_owned());
    }

    fn client(&mut self, id: &str, technicians: &str) {
        let text = client(id, technicians, &self.host_key);
        self.texts.insert(format!("clients/{id}.toml"), text);
    }

    async fn apply(&self, store: &TestStore, second: i64) {
        store
            .apply_documents(&self.texts, "root", at(second))
            .await
            .unwrap();
    }
}

async fn reached(store: &TestStore, id: &str) -> Vec<AuditRecord> {
    let id = ClientId::parse(id).unwrap();
    let mut records = records_of(store, &[AuditKind::Reached]).await;
    records.retain(|record| record.client.as_ref() == Some(&id));
    records
}

fn lines(record: &AuditRecord) -> Vec<&str> {
    let lines = record.detail["lines"].as_array().unwrap();
    lines.iter().map(|line| line.as_str().unwrap()).collect()
}

/// The digest of the provider's document as it is in force.
async fn digest(store: &TestStore, version: u64) -> String {
    let texts = store.bound_texts(version).await.unwrap();
    let text = texts
        .iter()
        .find(|text| text.owner.as_deref() == Some("provider maintech"))
        .unwrap();
    keys::digest(text.salt.as_deref().unwrap(), text.text.as_bytes())
}

/// The last digest of the provider's document that a client's own trail has.
async fn last_known(store: &TestStore, id: &str) -> Option<String> {
    let query = AuditQuery {
        client: Some(ClientId::parse(id).unwrap()),
        ..AuditQuery::default()
    };
    let records = store.audit(&query).await.unwrap();
    let mut of_provider = records.iter().filter(|stored| {
        let owner = stored.record.detail.get(keys::DOCUMENT_OF);
        owner.and_then(|owner| owner.as_str()) == Some("provider maintech")
    });
    let last = of_provider.next_back()?;
    Some(last.record.detail[keys::DOCUMENT].as_str()?.to_owned())
}

/// R3, R9: from the moment when a client's documents reach somebody, its own trail vouches for the provider's document, in
/// every version, also where a change is none of the client's; and tells of nobody whom it does not reach.
#[test]
fn r3_a_clients_trail_vouches_for_the_documents_of_the_providers_it_reaches() {
    on_each_engine(async |store| {
        let mut world = World::new();
        world.apply(store, 1).await;
        assert_eq!(last_known(store, "hopital").await, None);
        // Who reaches somebody that was created with the same version was told so by that.
        assert_eq!(reached(store, "mairie").await, []);
        assert_eq!(
            last_known(store, "mairie").await,
            Some(digest(store, 1).await)
        );

        world.client("hopital", "maintech/alice");
        world.apply(store, 2).await;
        let begun = reached(store, "hopital").await;
        assert_eq!(begun.len(), 1, "{begun:?}");
        assert_eq!(
            lines(&begun[0]),
            ["station maintech/ws-1", "technician maintech/alice"]
        );
        assert_eq!(begun[0].detail["change"], "reach-begun");
        assert_eq!(begun[0].detail["version"], 2);
        assert_eq!(
            last_known(store, "hopital").await,
            Some(digest(store, 2).await)
        );
        assert_eq!(reached(store, "mairie").await, []);

        // Bruno is none of the hospital's matters, and the document of his provider is.
        world.provider(&provider("Bruno B.", "\"ws-1\""));
        world.apply(store, 3).await;
        let elsewhere = reached(store, "hopital").await.pop().unwrap();
        assert_eq!(elsewhere.detail["change"], "changed-elsewhere");
        let said = format!("{elsewhere:?}");
        assert!(
            !said.contains("bruno") && !said.contains("mairie"),
            "{said}"
        );
        for client in ["hopital", "mairie"] {
            assert_eq!(
                last_known(store, client).await,
                Some(digest(store, 3).await)
            );
        }

        // Another station of those that are there: the change of the technician tells of it, and not of the station itself.
        world.provider(&provider("Bruno B.", "\"ws-1\", \"ws-2\""));
        world.apply(store, 4).await;
        let more = reached(store, "hopital").await.pop().unwrap();
        assert_eq!(lines(&more), ["station maintech/ws-2"]);
        for client in ["hopital", "mairie"] {
            assert_eq!(
                last_known(store, client).await,
                Some(digest(store, 4).await)
            );
        }

        // What changes nothing of it says nothing of it, also to a process that reads the log anew.
        let before = reached(store, "hopital").await.len();
        world.texts.insert(
            "clients/mairie.toml".into(),
            client("mairie", "maintech/bruno", &world.host_key) + "# again\n",
        );
        let other = store.as_another_process().await;
        other
            .apply_documents(&world.texts, "root", at(5))
            .await
            .unwrap();
        assert_eq!(reached(store, "hopital").await.len(), before);
        other.close().await;
    });
}

/// What an older program left: each client's trail begins with what it reaches.
#[test]
fn a_store_from_before_tells_each_client_what_it_reaches() {
    on_each_engine(async |store| {
        let mut world = World::new();
        world.client("hopital", "maintech/alice");
        let mut tx = store.db().begin().await.unwrap();
        let sql =
            "INSERT INTO document_versions (version, applied_at, applied_by) VALUES (1, 1, 'root')";
        tx.execute(sql, values![]).await.unwrap();
        for (file, text) in &world.texts {
            let sql = "INSERT INTO document_texts (version, file, text) VALUES (1, $1, $2)";
            tx.execute(sql, values![file, text]).await.unwrap();
        }
        tx.commit().await.unwrap();
        let other = store.as_another_process().await;
        for (client, technician) in [("hopital", "alice"), ("mairie", "bruno")] {
            let told = reached(store, client).await;
            assert_eq!(told.len(), 1, "{told:?}");
            let technician = format!("technician maintech/{technician}");
            assert!(lines(&told[0]).contains(&technician.as_str()), "{told:?}");
            assert_eq!(
                last_known(store, client).await,
                Some(digest(store, 1).await)
            );
        }
        other.close().await;
    });
}
