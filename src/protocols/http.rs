//! One question over plain HTTP/1.1 and its answer, for what is signed by itself: revocation lists and OCSP answers.
//!
//! Not a web client, and no library is worth its weight for two kinds of request: no TLS (RFC 5280 section 8 warns of
//! circles: to check a certificate one would have to check a certificate), no redirects, no proxies, no cookies, no
//! second request on a line. The address stands in somebody's certificate, so it is looked at before it is used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, lookup_host};

/// All header lines of an answer together, in bytes; the same bound holds for the lines between chunks.
const LONGEST_HEADER: u64 = 16 * 1024;

/// An `http:` address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAddress {
    host: String,
    port: u16,
    /// Path and query.
    path: String,
}

/// Why no answer came, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address is not one that is asked.
    #[error("{0}")]
    Address(&'static str),
    /// The host has no address, or none that may be asked.
    #[error("{0}")]
    Host(String),
    /// The line could not be made, or broke.
    #[error("the connection failed: {0}")]
    Line(String),
    /// The answer is no HTTP answer.
    #[error("what answers there does not speak HTTP")]
    Protocol,
    /// The server answered that it has nothing.
    #[error("the server answered {0}")]
    Status(u16),
    /// The server wants to be asked elsewhere.
    #[error("the server sends on to another address, which is not followed")]
    Redirect,
    /// The answer is larger than anything expected there.
    #[error("the answer is too large")]
    TooLarge,
}

/// From where an address can be reached. What is nearer is more easily harmed by a question from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Everywhere.
    Internet,
    /// Inside one network.
    Network,
    /// This machine.
    Machine,
    /// The one cable a machine hangs on, many at once, or nothing at all: nobody's list lies there, but secrets of the
    /// machine may (169.254.169.254).
    Nowhere,
}

impl Reach {
    /// How far inside the certificate of a peer at this address may lead.
    pub fn granted_to(peer: IpAddr) -> Self {
        match Self::of(peer) {
            Self::Nowhere => Self::Network,
            reach => reach,
        }
    }

    /// Of an address; one that holds another (RFC 4291, 6052, 3056) is judged by that.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [127, ..] => Self::Machine,
            [0 | 224.., ..] | [169, 254, ..] => Self::Nowhere,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18..=19, ..] | [192, 0, 0, _] => Self::Network,
            _ => Self::Internet,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if let Some(inner) = address.to_ipv4_mapped() {
            return Self::of_v4(inner);
        }
        let inner = |high: u16, low: u16| Self::of_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
        match address.segments() {
            [0x64, 0xff9b, .., high, low] | [0x2002, high, low, ..] => inner(high, low),
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Machine,
            [0, 0, 0, 0, 0, 0, ..] | [0xfe80..=0xfebf | 0xff00.., ..] => Self::Nowhere,
            [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Self::Network,
            _ => Self::Internet,
        }
    }
}

impl HttpAddress {
    /// Takes `http://host[:port]/path?query` apart.
    pub fn parse(address: &str) -> Result<Self, HttpError> {
        const NOT_HTTP: HttpError = HttpError::Address("only http: addresses are asked (what is fetched is signed by itself)");
        const BAD: HttpError = HttpError::Address("the address cannot be read");
        let (scheme, rest) = address.split_once("://").ok_or(NOT_HTTP)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(NOT_HTTP);
        }
        // Anything else could smuggle a second line into the request.
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BAD);
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, if port.is_empty() { 80 } else { port.parse().map_err(|_| BAD)? }),
            _ => (authority, 80),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() || bare.contains(['@', '[', ']']) || (bare == host && bare.contains(':')) {
            return Err(BAD);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host: bare.to_owned(), port, path })
    }

    /// Asks for it, or with a `question` (its media type and bytes) sends that; answers at most `largest` bytes.
    ///
    /// Only hosts within `reach` are connected. The caller limits the time; dropping the future ends it.
    pub async fn fetch(&self, question: Option<(&str, &[u8])>, reach: Reach, largest: u64) -> Result<Vec<u8>, HttpError> {
        let mut line = self.connect(reach).await?;
        let broke = |error: std::io::Error| HttpError::Line(error.to_string());
        line.write_all(&self.request(question)).await.map_err(broke)?;
        answer(BufReader::new(line), largest).await
    }

    async fn connect(&self, reach: Reach) -> Result<TcpStream, HttpError> {
        let found = lookup_host((self.host.as_str(), self.port)).await.map_err(|_| HttpError::Host("there is no such host".to_owned()))?;
        let (allowed, refused): (Vec<SocketAddr>, Vec<_>) = found.partition(|address| Reach::of(address.ip()) <= reach);
        let mut error = match refused.first() {
            Some(address) => HttpError::Host(format!("{} is an address to which no certificate from outside may lead", address.ip())),
            None => HttpError::Host("the host has no address".to_owned()),
        };
        for address in allowed {
            match TcpStream::connect(address).await {
                Ok(line) => return Ok(line),
                Err(why) => error = HttpError::Line(why.to_string()),
            }
        }
        Err(error)
    }

    fn request(&self, question: Option<(&str, &[u8])>) -> Vec<u8> {
        let Self { host, port, path } = self;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let port = if *port == 80 { String::new() } else { format!(":{port}") };
        let method = if question.is_some() { "POST" } else { "GET" };
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}{port}\r\nConnection: close\r\nAccept: */*\r\n").into_bytes();
        if let Some((media_type, body)) = question {
            request.extend_from_slice(format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(question.map_or(&[], |(_, body)| body));
        request
    }
}

/// Reads an answer (RFC 9112): status, header, and a body of known length, in chunks, or up to the end.
async fn answer(mut line: impl AsyncBufReadExt + Unpin, largest: u64) -> Result<Vec<u8>, HttpError> {
    let mut header = (&mut line).take(LONGEST_HEADER);
    let status = header_line(&mut header).await?;
    let status = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok()).ok_or(HttpError::Protocol)?;
    let (mut length, mut in_chunks) = (None, false);
    loop {
        let line = header_line(&mut header).await?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(HttpError::Protocol)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.parse::<u64>().map_err(|_| HttpError::Protocol)?),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => in_chunks = true,
            "transfer-encoding" => return Err(HttpError::Protocol),
            _ => {}
        }
    }
    match status {
        200 => {}
        300..=399 => return Err(HttpError::Redirect),
        other => return Err(HttpError::Status(other)),
    }
    let mut body = Vec::new();
    if in_chunks {
        loop {
            let size = header_line(&mut (&mut line).take(LONGEST_HEADER)).await?;
            let size = size.split(';').next().and_then(|size| u64::from_str_radix(size.trim(), 16).ok()).ok_or(HttpError::Protocol)?;
            if size == 0 {
                return Ok(body);
            }
            read_exactly(&mut line, size, largest, &mut body).await?;
            header_line(&mut (&mut line).take(LONGEST_HEADER)).await?;
        }
    }
    match length {
        Some(length) => read_exactly(&mut line, length, largest, &mut body).await?,
        None => {
            line.take(largest + 1).read_to_end(&mut body).await.map_err(|error| HttpError::Line(error.to_string()))?;
            if body.len() as u64 > largest {
                return Err(HttpError::TooLarge);
            }
        }
    }
    Ok(body)
}

/// Appends exactly `length` bytes to `body`, which must not grow beyond `largest`.
async fn read_exactly(line: &mut (impl AsyncRead + Unpin), length: u64, largest: u64, body: &mut Vec<u8>) -> Result<(), HttpError> {
    if length > largest.saturating_sub(body.len() as u64) {
        return Err(HttpError::TooLarge);
    }
    let read = line.take(length).read_to_end(body).await.map_err(|error| HttpError::Line(error.to_string()))?;
    if read as u64 == length { Ok(()) } else { Err(HttpError::Line("it ended in the middle of the answer".to_owned())) }
}

/// One line without its end.
async fn header_line(from: &mut (impl AsyncBufReadExt + Unpin)) -> Result<String, HttpError> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).await.map_err(|error| HttpError::Line(error.to_string()))?;
    let text = line.strip_suffix(b"\n").ok_or(HttpError::Protocol)?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    String::from_utf8(text.to_vec()).map_err(|_| HttpError::Protocol)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(address: &str) -> Option<(String, u16, String)> {
        HttpAddress::parse(address).ok().map(|HttpAddress { host, port, path }| (host, port, path))
    }

    async fn read(text: &str) -> Result<Vec<u8>, HttpError> {
        answer(BufReader::new(text.as_bytes()), 10).await
    }

    #[test]
    fn addresses() {
        let parts = |host: &str, port, path: &str| Some((host.to_owned(), port, path.to_owned()));
        assert_eq!(parsed("http://crl.example.com/a.crl?x=1#y"), parts("crl.example.com", 80, "/a.crl?x=1"));
        assert_eq!(parsed("HTTP://[2001:db8::1]:8080"), parts("2001:db8::1", 8080, "/"));
        assert_eq!(parsed("http://h:81?q"), parts("h", 81, "/?q"));
        for bad in ["https://h/", "ldap://h/", "http://", "http://a@b/", "http://h/a b", "http://h/\r\nHost: x", "http://1:2:3/", "h"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn reach_of_addresses() {
        let reach = |address: &str| Reach::of(address.parse().unwrap());
        for near in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(reach(near), Reach::Machine, "{near}");
        }
        for nowhere in ["0.0.0.0", "169.254.169.254", "::", "::ffff:169.254.169.254", "fe80::1", "224.0.0.1", "255.255.255.255"] {
            assert_eq!(reach(nowhere), Reach::Nowhere, "{nowhere}");
            assert_eq!(Reach::granted_to(nowhere.parse().unwrap()), Reach::Network, "a neighbour leads to no service of this machine");
        }
        assert_eq!(Reach::granted_to("127.0.0.1".parse().unwrap()), Reach::Machine);
        for inside in ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "64:ff9b::a00:1", "2002:a00:1::"] {
            assert_eq!(reach(inside), Reach::Network, "{inside}");
        }
        for outside in ["192.0.66.2", "8.8.8.8", "172.32.0.1", "2606:4700::1111"] {
            assert_eq!(reach(outside), Reach::Internet, "{outside}");
        }
    }

    #[tokio::test]
    async fn answers() {
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef").await.unwrap(), b"abc");
        assert_eq!(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\n\r\n").await.unwrap(), b"abc");
        assert_eq!(read("HTTP/1.0 200\r\n\r\nabc").await.unwrap(), b"abc");
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\n12345678901").await, Err(HttpError::TooLarge));
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n").await, Err(HttpError::TooLarge));
        assert_eq!(
            read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n").await,
            Err(HttpError::TooLarge)
        );
        assert!(matches!(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").await, Err(HttpError::Line(_))));
        assert_eq!(read("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n").await, Err(HttpError::Redirect));
        assert_eq!(read("HTTP/1.1 404 Not Found\r\n\r\n").await, Err(HttpError::Status(404)));
        assert_eq!(read("220 plain as day\r\n").await, Err(HttpError::Protocol));
        assert_eq!(read(&"x".repeat(LONGEST_HEADER as usize * 2)).await, Err(HttpError::Protocol));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "HTTP/1.1 200 OK\r\n(Content-Length: [0-9]{1,20}|Transfer-Encoding: chunked)\r\n\r\n[0-9a-f\r\n;]{0,80}") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _bytes = runtime.block_on(answer(BufReader::new(&bytes[..]), 100));
            let _text = runtime.block_on(answer(BufReader::new(text.as_bytes()), 100));
            let _address = HttpAddress::parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
