//! The steps of a dial in the words of the doctor.

use std::time::{Duration, SystemTime};

use super::report::DoctorReport;
use crate::failure::Failure;
use crate::render::human;
use crate::run::explain;
use webpubsub_client::driver::DialedError;
use webpubsub_net::clock;
use webpubsub_net::wire::{Certificate, DialError, DialStep, Facts, StepKind, StepOutcome};

/// A certificate that expires sooner is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The order in which steps are told.
const KINDS: [StepKind; 5] = [StepKind::Resolve, StepKind::Connect, StepKind::Proxy, StepKind::Tls, StepKind::Upgrade];

/// Reports the steps of a dial, each when it is over.
#[derive(Debug, Default)]
pub struct DialReport {
    /// How many of [`KINDS`] were told.
    told: usize,
}

impl DialReport {
    /// Reports what went well since the last time.
    pub fn advance(&mut self, steps: &[DialStep], report: &mut DoctorReport) {
        while let Some(kind) = KINDS.get(self.told) {
            match steps.iter().find(|step| step.kind == *kind) {
                Some(step) if matches!(step.outcome, StepOutcome::Done | StepOutcome::Skipped(_)) => {
                    report_step(step, report);
                }
                // A step that has no part in this dial.
                None if steps.iter().any(|step| KINDS[self.told..].contains(&step.kind)) => report.skip("none"),
                _ => return,
            }
            self.told += 1;
        }
    }

    /// Reports the step that the dial failed at, if it failed at all.
    pub fn fail(
        &mut self,
        steps: &[DialStep],
        failure: Failure,
        dialed: Option<&DialedError>,
        report: &mut DoctorReport,
    ) {
        self.advance(steps, report);
        let failed = KINDS.get(self.told).and_then(|kind| steps.iter().find(|step| step.kind == *kind));
        let mut detail = explain::causes(&failure);
        let Some(step) = failed else {
            let elapsed = report.elapsed();
            return report.fail(Some(elapsed), detail, failure);
        };
        let mut elapsed = Some(step.elapsed.unwrap_or_else(|| step.started.elapsed()));
        if let Some(Facts::Tls { certificate: Some(certificate), .. }) = &step.facts {
            detail.push_str(&format!("; it showed a {}", describe(certificate, SystemTime::now()).0));
        }
        // The handshake went well but for what was agreed on.
        if let Some(DialError::NoSubprotocol { .. } | DialError::WrongSubprotocol { .. }) =
            dialed.and_then(DialedError::dial)
        {
            report.ok(elapsed, "101", Vec::new());
            elapsed = None;
        }
        report.fail(elapsed, detail, failure);
    }
}

/// A step that is over and did not fail.
fn report_step(step: &DialStep, report: &mut DoctorReport) {
    if let StepOutcome::Skipped(why) = &step.outcome {
        return report.skip(why.as_str());
    }
    match &step.facts {
        Some(Facts::Tls { version, cipher, certificate, verified }) => {
            let mut parts: Vec<String> = [version, cipher].into_iter().flatten().cloned().collect();
            let mut hints = Vec::new();
            if let Some(certificate) = certificate {
                let (words, soon) = describe(certificate, SystemTime::now());
                parts.push(words);
                hints.extend(soon);
            }
            if !verified {
                parts.push("not checked (`--insecure`)".into());
                hints.push("`--insecure`: anybody may be listening".into());
            }
            report.ok(step.elapsed, parts.join(", "), hints);
        }
        Some(Facts::Answer { status, date, subprotocol }) => {
            let clock = date.and_then(|served| explain::skew(served, SystemTime::now()));
            report.ok(step.elapsed, status.to_string(), clock.into_iter().collect());
            let name = subprotocol.as_deref().map(|name| format!("`{name}`")).unwrap_or_default();
            report.ok(None, name, Vec::new());
        }
        _ => report.ok(step.elapsed, step.detail(), Vec::new()),
    }
}

/// A certificate in words, and what to do when it ends soon.
fn describe(certificate: &Certificate, now: SystemTime) -> (String, Option<String>) {
    let names: Vec<String> = certificate.names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let more = certificate.names.len().saturating_sub(names.len());
    let whose = match (names.is_empty(), more) {
        (true, _) => format!("`{}`", certificate.subject),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    };
    let issuer = if certificate.is_self_issued() {
        "issued by itself".to_owned()
    } else {
        format!("issued by `{}`", certificate.issuer)
    };
    let date = clock::day;
    let (validity, soon) = if let Ok(early) = certificate.not_before.duration_since(now) {
        (format!("valid only in {} ({})", human(early), date(certificate.not_before)), None)
    } else {
        match certificate.not_after.duration_since(now) {
            Ok(left) => {
                let soon = (left < SOON).then(|| format!("the certificate expires in {}: renew it", human(left)));
                (format!("expires in {} ({})", human(left), date(certificate.not_after)), soon)
            }
            Err(error) => (format!("expired {} ago ({})", human(error.duration()), date(certificate.not_after)), None),
        }
    };
    (format!("certificate for {whose}, {issuer}, {validity}"), soon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_with_its_time_in_words() {
        let day = Duration::from_secs(24 * 60 * 60);
        let now = SystemTime::UNIX_EPOCH + 20_000 * day;
        let certificate = |from: SystemTime, until: SystemTime, names: &[&str]| Certificate {
            subject: "CN=x".into(),
            issuer: "CN=y".into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_before: from,
            not_after: until,
        };
        for (found, words, soon) in [
            (
                certificate(now - day, now + 90 * day, &["a", "b", "c", "d"]),
                "certificate for `a`, `b`, `c` and 1 more, issued by `CN=y`, expires in 90 days (2025-01-02)",
                false,
            ),
            (
                certificate(now - day, now + 3 * day, &[]),
                "certificate for `CN=x`, issued by `CN=y`, expires in 3 days (2024-10-07)",
                true,
            ),
            (
                certificate(now - 9 * day, now - 5 * day, &["a"]),
                "certificate for `a`, issued by `CN=y`, expired 5 days ago (2024-09-29)",
                false,
            ),
            (
                certificate(now + 5 * day, now + 9 * day, &["a"]),
                "certificate for `a`, issued by `CN=y`, valid only in 5 days (2024-10-09)",
                false,
            ),
        ] {
            let (text, hint) = describe(&found, now);
            assert_eq!((text.as_str(), hint.is_some()), (words, soon));
        }
    }
}
