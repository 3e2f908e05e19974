package twinsite.petclinic;

import com.mysql.cj.jdbc.MysqlDataSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Opens one connection a request. No pool: a small application, and after a failover a pooled connection is one to the
 * old place.
 */
final class Database {
    private static final int CONNECT_MILLISECONDS = 2000; // a Route 53 check waits 4 s for a connection and 2 s for an answer
    private static final int ANSWER_MILLISECONDS = 5000;
    private static final String STORE_PASSWORD = "public"; // the store holds authorities' certificates, no secret

    private final MysqlDataSource source;

    Database(Settings settings) {
        source = new MysqlDataSource();
        source.setServerName(settings.address());
        source.setPort(settings.port());
        source.setUser(settings.user());
        source.setPassword(settings.password());
        source.setDatabaseName(settings.schema());
        try {
            source.setConnectTimeout(CONNECT_MILLISECONDS);
            source.setSocketTimeout(ANSWER_MILLISECONDS);
            source.setCharacterEncoding("UTF-8");
            secure(settings.tlsCertificates());
        } catch (SQLException | GeneralSecurityException | IOException wrong) {
            throw new IllegalStateException("the connection to " + settings + " cannot be set up", wrong);
        }
    }

    private void secure(String certificates) throws SQLException, GeneralSecurityException, IOException {
        if (certificates.equals("off")) {
            source.setSslMode("DISABLED");
            source.setAllowPublicKeyRetrieval(true);
        } else if (certificates.isEmpty()) {
            source.setSslMode("VERIFY_IDENTITY"); // against Java's own list of authorities
        } else {
            source.setSslMode("VERIFY_CA"); // a private authority; its certificates often name no address
            source.setTrustCertificateKeyStoreUrl(store(Path.of(certificates)).toUri().toString());
            source.setTrustCertificateKeyStoreType("PKCS12");
            source.setTrustCertificateKeyStorePassword(STORE_PASSWORD);
            source.setFallbackToSystemTrustStore(false);
        }
    }

    /** Java reads no PEM as a store: the certificates of the file, as one that it reads. */
    static Path store(Path pem) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream file = Files.newInputStream(pem)) {
            int number = 0;
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                store.setCertificateEntry("authority-" + number++, one);
            }
        }
        if (store.size() == 0) {
            throw new IOException(pem + " holds no certificate");
        }
        Path written = Files.createTempFile("authorities", ".p12");
        written.toFile().deleteOnExit();
        try (OutputStream file = Files.newOutputStream(written)) {
            store.store(file, STORE_PASSWORD.toCharArray());
        }
        return written;
    }

    Connection connect() throws SQLException {
        return source.getConnection();
    }

    /** Whether writes are refused here: a replica, or a site that was fenced. */
    static boolean readOnly(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet found = statement.executeQuery("SELECT @@global.read_only")) {
            found.next();
            return found.getInt(1) != 0;
        }
    }
}
