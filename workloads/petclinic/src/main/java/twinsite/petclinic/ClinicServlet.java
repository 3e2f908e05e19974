package twinsite.petclinic;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Paths to pages.
 *
 * <p>The front page is also what health checks ask for: 200 only when the database answers and takes writes. So a site
 * whose database is a replica, or was fenced, never looks ready.
 */
public final class ClinicServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = Logger.getLogger(ClinicServlet.class.getName());
    private static final int READ_ONLY = 1290; // ER_OPTION_PREVENTS_STATEMENT, of super_read_only and read_only
    private static final String RETRY_SECONDS = "10";

    private transient Settings settings;
    private transient Database database;

    @Override
    public void init() throws ServletException {
        settings = Settings.from(System.getenv());
        database = new Database(settings);
        LOG.info("the clinic's database is " + settings);
    }

    /** What one answer is made of. `location` is empty, or where to go next. */
    record Answer(int status, String body, String location) {
        static Answer page(String body) {
            return new Answer(HttpServletResponse.SC_OK, body, "");
        }

        static Answer see(String path) {
            return new Answer(HttpServletResponse.SC_SEE_OTHER, "", path);
        }
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        answer(request, response, false);
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        answer(request, response, true);
    }

    private void answer(HttpServletRequest request, HttpServletResponse response, boolean post) throws IOException {
        String context = request.getContextPath();
        Html html = new Html(context, settings.site());
        List<String> path = path(request.getRequestURI().substring(context.length()));
        Answer answer;
        if (!post && path.equals(List.of("live"))) {
            answer = Answer.page(html.page("Alive", "<p>This says nothing about the database.</p>"));
        } else {
            answer = ask(html, path, new Form(request::getParameter), context, post);
        }
        response.setStatus(answer.status());
        response.setContentType("text/html;charset=UTF-8");
        response.setHeader("X-Site", settings.site());
        response.setHeader("Cache-Control", "no-store");
        if (answer.status() == HttpServletResponse.SC_SERVICE_UNAVAILABLE) {
            response.setHeader("Retry-After", RETRY_SECONDS);
        }
        if (!answer.location().isEmpty()) {
            // By hand: sendRedirect would name the scheme and host that it sees behind a proxy, which are not the user's.
            response.setHeader("Location", answer.location());
        }
        response.getWriter().write(answer.body());
    }

    static List<String> path(String uri) {
        String plain = uri.replaceAll(";[^/]*", "");
        return List.of(plain.split("/")).stream().filter(part -> !part.isEmpty()).toList();
    }

    private Answer ask(Html html, List<String> path, Form form, String context, boolean post) {
        try (Connection connection = database.connect()) {
            if (path.isEmpty() && !post) {
                return front(html, connection);
            }
            Clinic clinic = new Clinic(connection);
            Optional<Answer> found = post ? change(clinic, path, form, context) : show(clinic, path, form, html);
            return found.orElseGet(() -> new Answer(
                    HttpServletResponse.SC_NOT_FOUND, html.trouble("There is no such page."), ""));
        } catch (Form.Problem problem) {
            return new Answer(HttpServletResponse.SC_BAD_REQUEST, html.trouble(problem.getMessage()), "");
        } catch (SQLException error) {
            LOG.log(Level.WARNING, "the database says: {0}", error.getMessage());
            String sentence = error.getErrorCode() == READ_ONLY
                    ? "The clinic takes no changes at the moment."
                    : "The clinic's files cannot be reached at the moment.";
            return new Answer(HttpServletResponse.SC_SERVICE_UNAVAILABLE, html.trouble(sentence), "");
        }
    }

    private static Answer front(Html html, Connection connection) throws SQLException {
        if (Database.readOnly(connection)) {
            return new Answer(
                    HttpServletResponse.SC_SERVICE_UNAVAILABLE,
                    html.trouble("The clinic takes no changes at the moment: its database is read-only."),
                    "");
        }
        return Answer.page(html.front(new Clinic(connection).countOwners()));
    }

    private static Optional<Answer> show(Clinic clinic, List<String> path, Form form, Html html)
            throws SQLException, Form.Problem {
        if (path.equals(List.of("owners"))) {
            return Optional.of(Answer.page(html.owners(clinic.ownersAfter(form.has("after") ? form.number("after") : 0))));
        }
        if (path.equals(List.of("owners", "new"))) {
            return Optional.of(Answer.page(html.newOwner()));
        }
        if (path.size() == 2 && path.get(0).equals("owners")) {
            Optional<Clinic.Owner> owner = clinic.owner(Form.number("owner", path.get(1)));
            if (owner.isPresent()) {
                int id = owner.get().id();
                return Optional.of(Answer.page(
                        html.owner(owner.get(), clinic.pets(id), clinic.visits(id), clinic.types())));
            }
        }
        return Optional.empty();
    }

    private static Optional<Answer> change(Clinic clinic, List<String> path, Form form, String context)
            throws SQLException, Form.Problem {
        if (path.equals(List.of("owners"))) {
            int id = clinic.addOwner(
                    form.text("firstName", 30), form.text("lastName", 30), form.text("address", 255),
                    form.text("city", 80), form.text("telephone", 20));
            return Optional.of(Answer.see(context + "/owners/" + id));
        }
        if (path.size() == 3 && path.get(0).equals("owners")) {
            int owner = Form.number("owner", path.get(1));
            Optional<Integer> added = switch (path.get(2)) {
                case "pets" -> clinic.addPet(owner, form.text("name", 30), form.date("birthDate"), form.text("type", 80));
                case "visits" -> clinic.addVisit(
                        owner, form.number("petId"), form.date("date"), form.text("description", 255));
                default -> Optional.empty();
            };
            return added.map(id -> Answer.see(context + "/owners/" + owner));
        }
        return Optional.empty();
    }
}
