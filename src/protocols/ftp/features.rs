//! What a server says it can do: the reply to `FEAT` (RFC 2389). Pure.

use super::digest;
use super::reply::Reply;

/// Extensions a server announced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// `MLST` and `MLSD` (RFC 3659 section 7).
    pub mlst: bool,
    /// Names are UTF-8 (RFC 2640).
    pub utf8: bool,
    /// `SIZE` (RFC 3659 section 4).
    pub size: bool,
    /// `MDTM` (RFC 3659 section 3).
    pub mdtm: bool,
    /// `MFMT` sets a file's time (draft-somers-ftp-mfxx).
    pub mfmt: bool,
    /// `SITE UTIME` sets a file's times (ProFTPD's mod_site_misc, Pure-FTPd).
    pub site_utime: bool,
    /// `REST` in stream mode (RFC 3659 section 5).
    pub rest: bool,
    /// `EPSV` (RFC 2428).
    pub epsv: bool,
    /// The commands it tells checksums with, one bit each.
    pub(super) digests: u32,
    /// Looks like vsftpd, which sets a file's time with `MDTM` (its `mdtm_write`).
    pub is_vsftpd: bool,
    /// Commands are read as Telnet (the byte 0xFF written twice, RFC 959 section 4). vsftpd and Pure-FTPd do not.
    pub reads_telnet: bool,
}

impl Features {
    /// Reads the reply to `FEAT`. A refusal is a server without extensions. `banner` tells vsftpd where it says so.
    pub fn read(reply: &Reply, banner: &str) -> Self {
        let is_vsftpd = banner.to_ascii_lowercase().contains("vsftpd");
        let mut features = Self { is_vsftpd, reads_telnet: !is_vsftpd && !banner.contains("Pure-FTPd"), ..Self::default() };
        if reply.code != 211 || reply.lines.len() < 2 {
            return features;
        }
        let inner = &reply.lines[1..reply.lines.len() - 1];
        let mut names = Vec::new();
        for line in inner {
            let line = String::from_utf8_lossy(line).trim().to_ascii_uppercase();
            let (name, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match name {
                "MLST" | "MLSD" => features.mlst = true,
                "UTF8" => features.utf8 = true,
                "SIZE" => features.size = true,
                "MDTM" => features.mdtm = true,
                "MFMT" => features.mfmt = true,
                "SITE" => features.site_utime |= rest.split([';', ' ', ',']).any(|item| item == "UTIME"),
                "REST" => features.rest = rest.contains("STREAM"),
                "EPSV" => features.epsv = true,
                // Nobody but Pure-FTPd has these.
                "SPSV" | "ESTA" | "ESTP" => features.reads_telnet = false,
                _ => {}
            }
            features.digests |= digest::announced(name, rest);
            names.push(name.to_owned());
        }
        // A banner can be changed, the list it announces cannot.
        names.retain(|name| !matches!(name.as_str(), "AUTH" | "PBSZ" | "PROT" | "UTF8"));
        features.is_vsftpd |= names == ["EPRT", "EPSV", "MDTM", "PASV", "REST", "SIZE", "TVFS"];
        features.reads_telnet &= !features.is_vsftpd;
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Features {
        Features::read(&Reply::new(211, text.lines().map(|line| line.as_bytes().to_vec()).collect()), "")
    }

    #[test]
    fn features_of_real_servers() {
        let proftpd = read("Features:\n AUTH TLS\n EPSV\n MDTM\n MFMT\n MLST modify*;perm*;\n REST STREAM\n SIZE\n utf8\nEnd");
        assert!(proftpd.mlst && proftpd.utf8 && proftpd.mfmt && proftpd.rest && proftpd.size && !proftpd.is_vsftpd);
        assert!(read("Features:\n SITE MKDIR\n SITE UTIME\nEnd").site_utime && read("Features:\n SITE CHMOD;UTIME\nEnd").site_utime);
        assert!(!proftpd.site_utime);
        let vsftpd = read("Features:\n AUTH TLS\n EPRT\n EPSV\n MDTM\n PASV\n PBSZ\n PROT\n REST STREAM\n SIZE\n TVFS\nEnd");
        assert!(vsftpd.is_vsftpd && !vsftpd.reads_telnet && !vsftpd.mlst);
        assert!(proftpd.reads_telnet && !read("Extensions:\n SPSV\nEnd").reads_telnet);
        assert_eq!(read("no features"), Features { reads_telnet: true, ..Features::default() });
    }
}
