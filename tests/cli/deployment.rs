//! `examples/deployment/` and the `Dockerfile`: what they have `wps` do is done, as far as that needs neither a daemon nor
//! a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::emulator::Emulator;
use crate::support::process::BINARY;
use crate::support::service::ClosedPort;
use crate::support::{Setup, wps};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples/deployment").join(name)).unwrap()
}

fn yaml(name: &str) -> Yaml {
    YamlLoader::load_from_str(&example(name)).unwrap().remove(0)
}

/// The values of a key of the unit.
fn setting<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// A path with the binary in it.
fn path() -> std::ffi::OsString {
    let mut path = Path::new(BINARY).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

#[test]
fn every_file_for_deployment_is_run_by_a_test_and_explained() {
    let page = fs::read_to_string(root().join("docs/deployment.md")).unwrap();
    let tests = include_str!("deployment.rs");
    for entry in fs::read_dir(root().join("examples/deployment")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("(\"{name}\")")), "no test reads {name}");
        assert!(page.contains(&format!("../examples/deployment/{name}")), "the page does not name {name}");
    }
    let links = page.split("](../").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links {
        assert!(root().join(link).exists(), "{link} is not there");
    }
}

#[test]
fn the_unit_listens_and_its_stop_is_no_failure() {
    let emulator = Emulator::start(&[]);
    let unit = example("wps-listen.service");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
    let credential = setting(&unit, "LoadCredential")[0].split_once(':').unwrap().0;
    let endpoint = format!("Endpoint=http://localhost:{};AccessKey={key};Version=1.0;\n", emulator.port);
    let file = folder.path().join(credential);
    fs::write(&file, endpoint).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    fs::create_dir(folder.path().join(setting(&unit, "StateDirectory")[0])).unwrap();
    // As systemd reads it.
    let line = setting(&unit, "ExecStart")[0].replace("%d", place).replace("%S", place);
    let arguments: Vec<&str> = line.split(' ').collect();
    assert_eq!(arguments[0], "/usr/local/bin/wps");
    let mut run = wps(&arguments[1..]).start();
    let first: Value = serde_json::from_str(&run.line()).unwrap();
    assert_eq!(first["type"], "connected");
    run.signal(Signal::TERM);
    let ended = run.end();
    assert_eq!(setting(&unit, "SuccessExitStatus"), [ended.code.to_string()], "{}", ended.stderr);
    let prevented = setting(&unit, "RestartPreventExitStatus")[0];
    // What no new start can mend: wrong flags, a credential that is not there.
    for (arguments, code) in [(vec!["listen", "--nonsense"], 2), (arguments[1..].to_vec(), 3)] {
        let _ = fs::remove_file(&file);
        assert_eq!(wps(&arguments).run().code, code);
        assert!(prevented.split(' ').any(|listed| listed == code.to_string()), "{prevented}");
    }
}

#[test]
fn the_unit_is_one_for_systemd() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wps-listen.service");
    fs::write(&file, example("wps-listen.service").replace("/usr/local/bin/wps", BINARY)).unwrap();
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // What it says of units that the machine has is not about this one.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("wps-listen")).collect();
    assert!(ours.is_empty(), "{said}");
}

#[test]
fn the_workflow_runs_its_command_beside_an_emulator() {
    let workflow = yaml("workflow.yml");
    let steps = workflow["jobs"]["smoke-test"]["steps"].as_vec().unwrap();
    let step = steps.iter().find(|step| step["name"].as_str() == Some("test")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = step["run"].as_str().unwrap();
    let ended = Setup::shell(&format!("cd '{}'\n{run}", folder.path().display())).env("PATH", path()).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let log = fs::read_to_string(folder.path().join("emulator.log")).unwrap();
    assert!(log.contains("is anybody there?"), "{log}");
    // What it keeps is what it uploads.
    let uploads = steps.iter().filter_map(|step| step["with"]["path"].as_str());
    assert!(uploads.clone().any(|path| path == "emulator.log"), "{:?}", uploads.collect::<Vec<_>>());
}

/// The words of a list.
fn words(list: &Yaml) -> Vec<&str> {
    list.as_vec().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// The words behind an instruction of the Dockerfile, which has them as JSON.
fn instruction(dockerfile: &str, name: &str) -> Vec<String> {
    let line = dockerfile.lines().map(str::trim).find_map(|line| line.strip_prefix(name)).unwrap();
    serde_json::from_str(line.trim()).unwrap()
}

#[test]
fn the_image_is_healthy_with_the_flags_of_the_compose_file() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let compose = yaml("compose.yaml");
    let pubsub = &compose["services"]["pubsub"];
    let build: PathBuf = root().join("examples/deployment").join(pubsub["build"].as_str().unwrap());
    assert_eq!(build.canonicalize().unwrap(), root().canonicalize().unwrap());
    assert_eq!(compose["services"]["app"]["depends_on"]["pubsub"]["condition"].as_str(), Some("service_healthy"));
    let entry = instruction(&dockerfile, "ENTRYPOINT");
    assert_eq!(entry[0], "wps");
    let flags = words(&pubsub["command"]);
    let port = ClosedPort::reserve().port();
    let port_flag = format!("--port={port}");
    let more = [port_flag.as_str(), "-o", "ndjson"];
    let mut emulator = wps(entry[1..].iter().map(String::as_str).chain(flags.clone()).chain(more)).start();
    let ready = emulator.expect("listening");
    assert_eq!(ready["endpoint"], flags[1], "{ready}");
    let health = instruction(&dockerfile, "CMD");
    let is_healthy = |port: u16| {
        let words = health.iter().map(|word| word.replace("8080", &port.to_string()));
        let words: Vec<String> = words.collect();
        Command::new(&words[0]).args(&words[1..]).output().unwrap().status.success()
    };
    assert!(is_healthy(port));
    // The application's own calls, from where the name of the service is not known.
    let string = compose["services"]["app"]["environment"]["WebPubSubConnectionString"].as_str().unwrap();
    let string = string.replace("pubsub:8080", &format!("localhost:{port}"));
    assert_eq!(wps(["send", "-q", "--hub", "hub1", "g", "hi"]).env("WebPubSubConnectionString", &string).run().code, 0);
    emulator.signal(Signal::TERM);
    assert_eq!(emulator.end().code, 143);
    assert!(!is_healthy(port));
}

#[test]
fn the_layer_of_dependencies_has_every_manifest() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.split("\nmembers = [").nth(1).unwrap().split(']').next().unwrap();
    for member in members.split(',').map(|member| member.trim().trim_matches('"')) {
        assert!(dockerfile.contains(&format!("COPY {member}/Cargo.toml {member}/\n")), "{member}");
        assert!(dockerfile.contains(&format!("{member}/lib.rs")), "{member}");
    }
    let version = |text: &str, before: &str| text.split(before).nth(1).unwrap().chars().take(4).collect::<String>();
    assert_eq!(version(&dockerfile, "FROM rust:"), version(&manifest, "rust-version = \""));
}
