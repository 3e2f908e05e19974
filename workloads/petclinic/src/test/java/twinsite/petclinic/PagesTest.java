package twinsite.petclinic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagesTest {
    private final Html html = new Html("/petclinic", "azure");

    @Test
    void everyPageSaysWhichSiteServesIt() {
        for (String page : List.of(html.front(10), html.trouble("no"), html.newOwner(), html.owners(List.of()))) {
            assertTrue(page.contains("served by site azure"));
            assertFalse(page.contains("served by site aws"));
        }
    }

    @Test
    void whatAPersonTypedIsNeverMarkup() {
        Clinic.Owner owner = new Clinic.Owner(7, "<script>", "O'Neill & \"Co\"", "<b>", "<i>", "<u>");
        String pages = html.owners(List.of(owner))
                + html.owner(owner, List.of(new Clinic.Pet(1, "<em>", LocalDate.EPOCH, "<s>")),
                        List.of(new Clinic.Visit(LocalDate.EPOCH, "<em>", "<q>")), List.of("<s>"));
        for (String typed : List.of("<script>", "<b>", "<i>", "<u>", "<em>", "<s>", "<q>")) {
            assertFalse(pages.contains(typed), typed);
        }
        assertTrue(pages.contains("&lt;script&gt; O&#39;Neill &amp; &quot;Co&quot;"));
    }

    @Test
    void aFullPageOfOwnersLeadsToTheNext() {
        List<Clinic.Owner> full = IntStream.rangeClosed(1, Clinic.PAGE)
                .mapToObj(id -> new Clinic.Owner(id, "A", "B", "C", "D", "E")).toList();
        assertTrue(html.owners(full).contains("/petclinic/owners?after=" + Clinic.PAGE));
        assertFalse(html.owners(full.subList(1, Clinic.PAGE)).contains("after="));
    }

    @Test
    void whatAPersonTypedIsChecked() throws Form.Problem {
        Form form = new Form(Map.of("name", "  Mina ", "long", "x".repeat(31), "date", "yesterday", "empty", " ")::get);
        assertEquals("Mina", form.text("name", 30));
        assertEquals("long has more than 30 characters", problem(() -> form.text("long", 30)));
        assertEquals("empty is missing", problem(() -> form.text("empty", 30)));
        assertEquals("gone is missing", problem(() -> form.text("gone", 30)));
        assertEquals("date is yesterday, not a date like 2026-11-21", problem(() -> form.date("date")));
        assertEquals("name is Mina, not a number", problem(() -> form.number("name")));
    }

    private static String problem(org.junit.jupiter.api.function.Executable read) {
        return assertThrows(Form.Problem.class, read).getMessage();
    }

    @Test
    void aPathIsItsPartsWithoutParameters() {
        assertEquals(List.of(), ClinicServlet.path("/"));
        assertEquals(List.of("owners", "7"), ClinicServlet.path("/owners/7;jsessionid=1"));
    }
}
