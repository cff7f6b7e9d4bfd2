//! Users of the system: whether PAM has a file that says how to check them.

use super::Found;
use crate::config::{Config, Symptom};

/// Judges whether PAM knows the service; `known` tells of a name whether it
/// has a file.
pub(super) fn judge(config: &Config, known: impl Fn(&[u8]) -> bool, found: &mut Found) {
    let service = config.pam_service_name();
    if config.local_enable() && !known(service) {
        let symptom = Symptom::NoPamFile(service.escape_ascii().to_string());
        found.push(("pam_service_name", symptom));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;

    #[test]
    fn a_service_without_a_file_is_told_where_users_of_the_system_log_in() {
        for (text, told) in [
            ("", false),
            ("local_enable=YES", true),
            ("local_enable=YES\npam_service_name=ironftpd", false),
            ("pam_service_name=vsftpd", false),
        ] {
            let mut found = Found::new();
            judge(&config(text), |name| name == b"ironftpd", &mut found);
            assert_eq!(found.len(), usize::from(told), "{text}");
            for (option, symptom) in found {
                assert_eq!(option, "pam_service_name");
                let line = symptom.to_string();
                assert!(line.contains("/etc/pam.d/vsftpd"), "{line}");
                assert!(line.contains("pam_service_name=ironftpd"), "{line}");
            }
        }
    }
}
