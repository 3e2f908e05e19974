package twinsite.petclinic;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What the environment says: which database, and which site this is. Nothing about a site is built into the WAR, so that
 * both sites run the same bytes.
 *
 * @param tlsCertificates path of a PEM file, empty for the system's authorities, or "off" for no TLS at all
 */
record Settings(
        String site, String address, int port, String user, String password, String schema, String tlsCertificates) {

    static Settings from(Map<String, String> environment) {
        return new Settings(
                required(environment, "SITE"),
                required(environment, "DATABASE_ADDRESS"),
                port(environment.getOrDefault("DATABASE_PORT", "3306")),
                required(environment, "DATABASE_USER"),
                password(environment),
                required(environment, "DATABASE_SCHEMA"),
                environment.getOrDefault("DATABASE_CA", ""));
    }

    private static int port(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException wrong) {
            throw new IllegalStateException("DATABASE_PORT is " + text + ", not a number", wrong);
        }
    }

    /** From a file where there is one: the environment of a process is readable, and is inherited. */
    private static String password(Map<String, String> environment) {
        String file = environment.getOrDefault("DATABASE_PASSWORD_FILE", "");
        if (file.isEmpty()) {
            return required(environment, "DATABASE_PASSWORD");
        }
        try {
            return Files.readString(Path.of(file)).strip();
        } catch (IOException wrong) {
            throw new IllegalStateException("DATABASE_PASSWORD_FILE: cannot read " + file, wrong);
        }
    }

    private static String required(Map<String, String> environment, String key) {
        String value = environment.getOrDefault(key, "");
        if (value.isEmpty()) {
            throw new IllegalStateException(key + " is not set in the application's environment");
        }
        return value;
    }

    /** Without the password, which a record would print. */
    @Override
    public String toString() {
        return user + "@" + address + ":" + port + "/" + schema + " at " + site;
    }
}
