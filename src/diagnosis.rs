//! The causes.

/// What a failure proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnosis {
    /// No region.
    NoRegion,
    /// No credentials.
    NoCredentials,
    /// The credentials are not found in time.
    CredentialsLate,
    /// The login of single sign-on has ended.
    SsoExpired,
    /// The credentials' source fails.
    CredentialsUnusable,
    /// The store or AWS refuses the credentials.
    CredentialsRefused,
    /// The clock is wrong.
    ClockWrong,
    /// The endpoint is no address, or cannot be combined with other settings.
    EndpointUnusable,
    /// Connection refused.
    EndpointRefused,
    /// The host name does not resolve.
    EndpointUnknown,
    /// The certificate is not trusted.
    EndpointCertificate,
    /// The certificate of a server is that of a CA.
    CertificateOfCa,
    /// The proxy refuses to connect.
    EndpointProxy,
    /// The proxy needs a login.
    ProxyLogin,
    /// No such bucket.
    NoBucket,
    /// The bucket is in another region.
    OtherRegion,
    /// The folder cannot be written.
    Folder,
}

impl Diagnosis {
    /// The cause, with what the error says, and the next step.
    pub fn sentence(self, detail: Option<&str>) -> String {
        let (cause, next) = self.row();
        let detail = detail.map_or_else(String::new, |detail| format!(" ({detail})"));
        format!("{cause}{detail}; next step: {next}")
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::NoRegion => (
                "no AWS region is set",
                "set AWS_REGION, or `region` in the AWS profile; `bucket = local_env` in the secret needs none",
            ),
            Self::NoCredentials => (
                "there are no AWS credentials",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; `aws sts get-caller-identity` tries them",
            ),
            Self::CredentialsLate => (
                "the source of the AWS credentials does not respond within 5 s",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; outside EC2, set AWS_EC2_METADATA_DISABLED=true",
            ),
            Self::SsoExpired => {
                ("the login of AWS single sign-on has ended", "run `aws sso login`, with the profile of AWS_PROFILE")
            }
            Self::CredentialsUnusable => (
                "the AWS credentials cannot be loaded",
                "correct the AWS profile or the variable that the message names; `aws sts get-caller-identity` tries them",
            ),
            Self::CredentialsRefused => (
                "the AWS credentials are refused: the key is unknown, its secret is wrong, or temporary ones have expired; the code says which",
                "set the current key of the user, or log in again",
            ),
            Self::ClockWrong => ("the clock of this machine is more than 15 minutes wrong", "correct the clock"),
            Self::EndpointUnusable => (
                "the endpoint or the region is malformed, or the endpoint cannot be combined with other settings",
                "correct the variable or the AWS profile, such as AWS_ENDPOINT_URL=http://127.0.0.1:9000; an endpoint of your own excludes AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT",
            ),
            Self::EndpointRefused => (
                "nothing accepts connections at the endpoint",
                "start what listens there, or correct AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 or `endpoint_url` in the AWS profile",
            ),
            Self::EndpointUnknown => (
                "the endpoint's host name does not resolve: it is wrong, or this network does not resolve it; the error does not say which",
                "correct AWS_REGION or the endpoint, then resolve the name from this network",
            ),
            Self::EndpointCertificate => (
                "the endpoint's TLS certificate is not trusted",
                "name its root certificate in SSL_CERT_FILE or AWS_CA_BUNDLE (PEM), for the host name that is called",
            ),
            Self::CertificateOfCa => (
                "the server's TLS certificate is that of a CA (CA:TRUE), which is not allowed for a server",
                "give the server a certificate with CA:FALSE, signed by that CA or by itself",
            ),
            Self::EndpointProxy => {
                ("the proxy refuses to connect to the endpoint", "allow the host at the proxy, or add it to NO_PROXY")
            }
            Self::ProxyLogin => (
                "the proxy needs a user and a password (HTTP 407)",
                "write them into HTTPS_PROXY, as http://user:password@host:port, or add the host to NO_PROXY",
            ),
            Self::NoBucket => ("the bucket does not exist", "create it, or correct `bucket` in the secret"),
            Self::OtherRegion => ("the bucket is in another region", "set AWS_REGION to the bucket's region"),
            Self::Folder => (
                "the folder cannot be written",
                "run it where the folder can be written, or remove what is in its place",
            ),
        }
    }
}
