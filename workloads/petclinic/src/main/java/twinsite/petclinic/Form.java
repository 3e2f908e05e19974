package twinsite.petclinic;

import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.function.UnaryOperator;

/** Reads what a person typed. Problem says what is wrong with it. */
final class Form {
    /** A sentence for the person who typed. */
    static final class Problem extends Exception {
        private static final long serialVersionUID = 1L;

        Problem(String sentence) {
            super(sentence);
        }
    }

    private final UnaryOperator<String> values;

    /** @param values value of a field, or null */
    Form(UnaryOperator<String> values) {
        this.values = values;
    }

    boolean has(String field) {
        return values.apply(field) != null;
    }

    String text(String field, int longest) throws Problem {
        String value = values.apply(field);
        String found = value == null ? "" : value.strip();
        if (found.isEmpty()) {
            throw new Problem(field + " is missing");
        }
        if (found.codePointCount(0, found.length()) > longest) {
            throw new Problem(field + " has more than " + longest + " characters");
        }
        return found;
    }

    LocalDate date(String field) throws Problem {
        String found = text(field, 10);
        try {
            return LocalDate.parse(found);
        } catch (DateTimeParseException wrong) {
            throw new Problem(field + " is " + found + ", not a date like 2026-11-21");
        }
    }

    int number(String field) throws Problem {
        return number(field, text(field, 10));
    }

    static int number(String what, String text) throws Problem {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException wrong) {
            throw new Problem(what + " is " + text + ", not a number");
        }
    }
}
