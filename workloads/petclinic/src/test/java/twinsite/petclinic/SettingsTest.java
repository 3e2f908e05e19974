package twinsite.petclinic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    private static Map<String, String> environment() {
        return new HashMap<>(Map.of(
                "SITE", "azure", "DATABASE_ADDRESS", "db.example", "DATABASE_USER", "clinic",
                "DATABASE_PASSWORD", "in clear", "DATABASE_SCHEMA", "petclinic"));
    }

    @Test
    void whatIsMissingIsNamed() {
        Map<String, String> environment = environment();
        environment.remove("SITE");
        String said = assertThrows(IllegalStateException.class, () -> Settings.from(environment)).getMessage();
        assertEquals("SITE is not set in the application's environment", said);
    }

    @Test
    void aPasswordFileWinsAndItsNewlineIsNoPartOfThePassword(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("password"), "from a file\n");
        Map<String, String> environment = environment();
        environment.put("DATABASE_PASSWORD_FILE", file.toString());
        assertEquals("from a file", Settings.from(environment).password());
    }

    @Test
    void thePasswordIsNotPrinted() {
        String printed = Settings.from(environment()).toString();
        assertFalse(printed.contains("in clear"));
        assertTrue(printed.contains("clinic@db.example:3306/petclinic at azure"));
    }
}
