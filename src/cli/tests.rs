use super::*;

#[test]
fn the_definition_holds_together() {
    command().debug_assert();
}

#[test]
#[ignore]
fn show() {
    let args = std::env::var("ARGS").unwrap();
    match parse(std::iter::once("wps").chain(args.split('|')).map(OsString::from)) {
        Ok(Parsed::Run(c)) => eprintln!("{c:#?}"),
        Ok(Parsed::Print(s) | Parsed::Nothing(s)) => eprintln!("{s}"),
        Err(f) => eprintln!("{}", f.report(str::to_owned)),
    }
}
