use super::super::format::tests::record;
use super::*;

fn holder() -> Holder {
    Holder { pid: 7, command: "wps listen".into(), since: "2026-01-02T03:04:05Z".into() }
}

fn mark(ordinal: u64, sequence_id: u64) -> Mark {
    Mark { ordinal, sequence_id }
}

#[track_caller]
fn open(path: &Path) -> OpenedSession {
    SessionFile::open(path, &holder()).unwrap()
}

fn error(path: &Path) -> String {
    SessionFile::open(path, &holder()).map(drop).unwrap_err().to_string()
}

#[test]
fn what_is_kept_is_there_for_the_next_process() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let first = open(&path);
    assert_eq!((first.place, first.snapshot, first.done), (None, Snapshot::default(), 0));
    let SessionRecord { place, snapshot, .. } = record();
    let mut sent = SentLines::new(20, "t");
    sent.push([7; 16]);
    sent.ordinal = 2;
    first.file.keep(snapshot.clone(), place.clone()).unwrap();
    first.file.keep_lines(&mut sent).unwrap();
    first.file.begin(mark(2, 7)).unwrap();
    first.file.done(mark(2, 7));
    // Recorded with the next batch, as under load.
    first.file.begin(mark(2, 9)).unwrap();
    // Of another connection: says nothing.
    first.file.begin(mark(1, 90)).unwrap();
    first.file.done(mark(1, 90));
    drop(first.file);
    let second = open(&path);
    // The line may have been sent after it.
    let mut snapshot = snapshot;
    snapshot.operations[0].since += 1;
    snapshot.remembered[0].since += 1;
    // The input with the connection its lines were sent on.
    assert_eq!((second.place, second.snapshot, second.lines.as_ref()), (place, snapshot.clone(), Some(&sent)));
    assert_eq!((second.done, second.begun), (7, 9));
    second.file.done(mark(2, 9));
    second.file.settle().unwrap();
    second.file.keep(Snapshot { ordinal: 3, ..snapshot }, None).unwrap();
    second.file.close().unwrap();
    drop(second.file);
    // A new connection counts anew.
    let third = open(&path);
    assert_eq!((third.done, third.begun, third.snapshot.ordinal), (0, 0, 3));
    third.file.close().unwrap();
    drop(third.file);
    // Killed before its end was known: whoever runs it again finds that all was sent.
    let again = open(&path);
    assert_eq!(again.lines.as_ref(), Some(&sent));
    again.file.close().unwrap();
    again.file.forget_input().unwrap();
    drop(again.file);
    let over = fs::read_to_string(home.path().join("s.lock")).unwrap();
    assert!(over.ends_with("\"over\":true }\n"), "{over}");
    let fourth = open(&path);
    let held = fs::read_to_string(home.path().join("s.lock")).unwrap();
    assert!(held.ends_with("\"over\":false}\n"), "{held}");
    assert_eq!((fourth.lines, fourth.snapshot.used_ids), (None, vec![(0, 3), (20, 20), (u64::MAX, u64::MAX)]));
    // What an input that has ended had may have been carried out.
    assert_eq!(fourth.snapshot.carried, [(2, 3), (20, 20)]);
}

#[test]
fn a_second_user_is_told_who_has_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let opened = open(&path);
    assert_eq!(error(&path), "it is in use by `wps listen` (process 7) since 2026-01-02T03:04:05Z");
    drop(opened);
    open(&path);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it_and_links_lead_to_one_file() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = tempfile::tempdir().unwrap();
    let (path, link) = (home.path().join("s"), home.path().join("link"));
    drop(open(&path));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("s", &link).unwrap();
    let opened = open(&link);
    assert_eq!(opened.exposed, Some(0o644));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&home.path().join("s.lock"))), (0o600, 0o600));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(error(&path).starts_with("it is in use"));
    drop(opened);
    symlink("nowhere", home.path().join("dangling")).unwrap();
    assert_eq!(error(&home.path().join("dangling")), "it is a symbolic link to `nowhere`, which is not there");
}

#[test]
fn what_cannot_be_a_session_file_is_said() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(error(home.path()), "it is a directory, not a file");
    assert_eq!(error(Path::new("")), "it is a directory, not a file");
    let lost = home.path().join("no/s");
    assert_eq!(error(&lost), format!("there is no directory `{}`", home.path().join("no").display()));
    #[cfg(unix)]
    assert_eq!(error(Path::new("/dev/full")), "it is a device or a pipe, not a file");
}

#[test]
fn the_lock_of_another_program_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let (path, lock) = (home.path().join("Cargo"), home.path().join("Cargo.lock"));
    for content in ["[[package]]\n", "\0", "{\"p\": 1}"] {
        fs::write(&lock, content).unwrap();
        assert_eq!(error(&path), "`Cargo.lock` beside it, which would be its lock, is another program's file");
        assert_eq!((fs::read_to_string(&lock).unwrap().as_str(), path.exists()), (content, false));
    }
    // What a process that was killed may have left is ours.
    for content in ["", "{\"pi", "{\"pid\":7,\"comma"] {
        fs::write(&lock, content).unwrap();
        drop(open(&path));
    }
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_no_file_is_refused_and_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let lock = home.path().join("s.lock");
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
    assert_eq!(error(&home.path().join("s")), "`s.lock` beside it, which would be its lock, is another program's file");
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    drop(open(&path));
    fs::hard_link(&path, home.path().join("t")).unwrap();
    assert_eq!(error(&path), "it has 2 names (hard links)");
    fs::remove_file(home.path().join("t")).unwrap();
    open(&path);
}

#[test]
fn what_is_damaged_or_not_ours_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    drop(open(&path));
    let mut damaged = fs::read(&path).unwrap();
    damaged.pop();
    for content in [&damaged[..], b"hello\n", b"wps-session 2 x\n"] {
        fs::write(&path, content).unwrap();
        assert!(matches!(SessionFile::open(&path, &holder()), Err(OpenError::Format(_))));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_change_that_cannot_be_written_leaves_what_was_recorded() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let opened = open(&path);
    // Somebody else's file is in the way of the next change.
    let before = fs::read(&path).unwrap();
    fs::write(&opened.file.temporary, "theirs").unwrap();
    assert!(opened.file.begin(mark(0, 1)).is_err());
    assert_eq!((fs::read(&path).unwrap(), fs::read(&opened.file.temporary).unwrap()), (before, b"theirs".to_vec()));
}

fn names(home: &Path) -> Vec<String> {
    let names = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn nothing_beside_it_is_touched_and_what_a_killed_process_left_is_cleared_away() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let theirs = [".s.tmp", ".wps-0123456789abcdef.tmp", "s.tmp"];
    theirs.iter().for_each(|name| fs::write(home.path().join(name), "theirs").unwrap());
    let first = open(&path);
    first.file.close().unwrap();
    // Killed in the middle of writing it.
    fs::write(&first.file.temporary, "wps-sess").unwrap();
    assert_eq!(names(home.path()).len(), 6);
    drop(first);
    let second = open(&path);
    second.file.close().unwrap();
    assert_eq!(names(home.path()), [".s.tmp", ".wps-0123456789abcdef.tmp", "s", "s.lock", "s.tmp"]);
    theirs.iter().for_each(|name| assert_eq!(fs::read(home.path().join(name)).unwrap(), b"theirs"));
    drop(second);
    // A lock that names something else has not its way.
    fs::write(home.path().join("precious"), "theirs").unwrap();
    for name in ["precious", "../precious", ".wps-../../../precious.tmp"] {
        let lock = format!("{{\"pid\":7,\"command\":\"\",\"since\":\"\",\"temporary\":\"{name}\"}}\n");
        fs::write(home.path().join("s.lock"), lock).unwrap();
        drop(open(&path));
    }
    assert!(home.path().join("precious").exists());
}
