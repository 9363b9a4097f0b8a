//! A local Web PubSub service, for development and tests.
pub mod hub;
#[derive(Debug)]
pub struct ServerConfig;
impl ServerConfig {
    pub fn new(_key: crate::secret::Secret, _endpoint: String) -> Self {
        Self
    }
}
pub async fn run(
    _listener: tokio::net::TcpListener,
    _config: ServerConfig,
    _shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    Ok(())
}
