package twinsite.petclinic;

import java.util.List;
import java.util.stream.Collectors;

/** Pages as text. Whatever came from a person or the database is escaped here. */
final class Html {
    private final String context;
    private final String site;

    /** @param context path under which the application is deployed, for instance /petclinic */
    Html(String context, String site) {
        this.context = context;
        this.site = site;
    }

    static String escape(String text) {
        StringBuilder result = new StringBuilder(text.length());
        for (char one : text.toCharArray()) {
            switch (one) {
                case '&' -> result.append("&amp;");
                case '<' -> result.append("&lt;");
                case '>' -> result.append("&gt;");
                case '"' -> result.append("&quot;");
                case '\'' -> result.append("&#39;");
                default -> result.append(one);
            }
        }
        return result.toString();
    }

    /** The words by which a check knows which site it reached; operations look for them. */
    static String marker(String site) {
        return "served by site " + site;
    }

    String page(String title, String body) {
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>%1$s – clinic</title>
            <style>
            body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem; padding: 0 1rem; color: #222 }
            nav a { margin-right: 1rem } table { border-collapse: collapse; width: 100%% }
            th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
            label { display: block; margin: .5rem 0 } input, select { font: inherit; padding: .2rem .4rem }
            footer { margin-top: 2rem; color: #666; font-size: .9rem } .bad { color: #a00 }
            </style>
            </head>
            <body>
            <nav><a href="%2$s/">Clinic</a><a href="%2$s/owners">Owners</a><a href="%2$s/owners/new">Add owner</a></nav>
            <h1>%1$s</h1>
            %3$s
            <footer>%4$s</footer>
            </body>
            </html>
            """.formatted(escape(title), context, body, escape(marker(site)));
    }

    String front(int owners) {
        return page("Clinic", "<p>The clinic is open: <b id=\"owners\">" + owners + "</b> owners on file.</p>");
    }

    String trouble(String sentence) {
        return page("Clinic", "<p class=\"bad\">" + escape(sentence) + "</p>");
    }

    String owners(List<Clinic.Owner> owners) {
        String rows = owners.stream()
                .map(one -> "<tr><td><a href=\"%s/owners/%d\">%s</a></td><td>%s</td><td>%s</td><td>%s</td></tr>"
                        .formatted(context, one.id(), escape(one.name()), escape(one.address()), escape(one.city()),
                                escape(one.telephone())))
                .collect(Collectors.joining("\n"));
        String more = owners.size() < Clinic.PAGE
                ? ""
                : "<p><a href=\"%s/owners?after=%d\">More</a></p>".formatted(context, owners.get(owners.size() - 1).id());
        return page("Owners", "<table><tr><th>Name</th><th>Address</th><th>City</th><th>Telephone</th></tr>\n" + rows
                + "</table>" + more);
    }

    String newOwner() {
        return page("Add owner", form("/owners",
                input("firstName", "First name", "text") + input("lastName", "Last name", "text")
                        + input("address", "Address", "text") + input("city", "City", "text")
                        + input("telephone", "Telephone", "tel")));
    }

    String owner(Clinic.Owner owner, List<Clinic.Pet> pets, List<Clinic.Visit> visits, List<String> types) {
        String path = "/owners/" + owner.id();
        String petRows = pets.stream()
                .map(one -> "<tr><td>%s</td><td>%s</td><td>%s</td></tr>"
                        .formatted(escape(one.name()), escape(one.type()), one.birthDate()))
                .collect(Collectors.joining("\n"));
        String visitRows = visits.stream()
                .map(one -> "<tr><td>%s</td><td>%s</td><td>%s</td></tr>"
                        .formatted(one.date(), escape(one.pet()), escape(one.description())))
                .collect(Collectors.joining("\n"));
        String petChoices = pets.stream()
                .map(one -> "<option value=\"%d\">%s</option>".formatted(one.id(), escape(one.name())))
                .collect(Collectors.joining());
        String typeChoices = types.stream()
                .map(one -> "<option>%s</option>".formatted(escape(one)))
                .collect(Collectors.joining());
        return page(owner.name(), """
            <p>%s, %s, %s</p>
            <h2>Pets</h2><table><tr><th>Name</th><th>Kind</th><th>Born</th></tr>
            %s</table>%s
            <h2>Visits</h2><table><tr><th>Date</th><th>Pet</th><th>Why</th></tr>
            %s</table>%s
            """.formatted(escape(owner.address()), escape(owner.city()), escape(owner.telephone()), petRows,
                form(path + "/pets", input("name", "Name", "text") + input("birthDate", "Born", "date")
                        + choice("type", "Kind", typeChoices)),
                visitRows,
                pets.isEmpty() ? "" : form(path + "/visits", choice("petId", "Pet", petChoices)
                        + input("date", "Date", "date") + input("description", "Why", "text"))));
    }

    private String form(String path, String fields) {
        return "<form method=\"post\" action=\"" + context + path + "\">" + fields + "<button>Add</button></form>";
    }

    private static String input(String name, String label, String type) {
        return "<label>%s <input name=\"%s\" type=\"%s\" required></label>".formatted(label, name, type);
    }

    private static String choice(String name, String label, String options) {
        return "<label>%s <select name=\"%s\">%s</select></label>".formatted(label, name, options);
    }
}
