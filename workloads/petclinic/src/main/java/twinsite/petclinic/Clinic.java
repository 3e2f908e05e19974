package twinsite.petclinic;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the clinic knows, in SQL. */
final class Clinic {
    static final int PAGE = 50;

    record Owner(int id, String firstName, String lastName, String address, String city, String telephone) {
        String name() {
            return firstName + " " + lastName;
        }
    }

    record Pet(int id, String name, LocalDate birthDate, String type) {}

    record Visit(LocalDate date, String pet, String description) {}

    private final Connection connection;

    Clinic(Connection connection) {
        this.connection = connection;
    }

    int countOwners() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet found = statement.executeQuery("SELECT COUNT(*) FROM owners")) {
            found.next();
            return found.getInt(1);
        }
    }

    /** A page of owners after the one with this id: keeps its speed with a million of them. */
    List<Owner> ownersAfter(int id) throws SQLException {
        String sql = "SELECT id, first_name, last_name, address, city, telephone FROM owners WHERE id > ? ORDER BY id LIMIT ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, id);
            statement.setInt(2, PAGE);
            return owners(statement);
        }
    }

    Optional<Owner> owner(int id) throws SQLException {
        String sql = "SELECT id, first_name, last_name, address, city, telephone FROM owners WHERE id = ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, id);
            return owners(statement).stream().findFirst();
        }
    }

    private static List<Owner> owners(PreparedStatement statement) throws SQLException {
        List<Owner> result = new ArrayList<>();
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                result.add(new Owner(
                        row.getInt(1), row.getString(2), row.getString(3),
                        row.getString(4), row.getString(5), row.getString(6)));
            }
        }
        return result;
    }

    List<Pet> pets(int owner) throws SQLException {
        String sql = "SELECT pets.id, pets.name, birth_date, types.name FROM pets JOIN types ON types.id = type_id"
                + " WHERE owner_id = ? ORDER BY pets.id";
        List<Pet> result = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, owner);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    result.add(new Pet(
                            row.getInt(1), row.getString(2), row.getObject(3, LocalDate.class), row.getString(4)));
                }
            }
        }
        return result;
    }

    List<Visit> visits(int owner) throws SQLException {
        String sql = "SELECT visit_date, pets.name, description FROM visits JOIN pets ON pets.id = pet_id"
                + " WHERE owner_id = ? ORDER BY visit_date DESC, visits.id DESC LIMIT ?";
        List<Visit> result = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, owner);
            statement.setInt(2, PAGE);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    result.add(new Visit(row.getObject(1, LocalDate.class), row.getString(2), row.getString(3)));
                }
            }
        }
        return result;
    }

    List<String> types() throws SQLException {
        List<String> result = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT name FROM types ORDER BY name")) {
            while (row.next()) {
                result.add(row.getString(1));
            }
        }
        return result;
    }

    /** Gives the new owner's id, once the database has committed it. */
    int addOwner(String firstName, String lastName, String address, String city, String telephone) throws SQLException {
        return insert(
                "INSERT INTO owners (first_name, last_name, address, city, telephone) VALUES (?, ?, ?, ?, ?)",
                firstName, lastName, address, city, telephone);
    }

    /** Empty when there is no such owner or type. */
    Optional<Integer> addPet(int owner, String name, LocalDate birthDate, String type) throws SQLException {
        String sql = "INSERT INTO pets (name, birth_date, type_id, owner_id) SELECT ?, ?, types.id, owners.id"
                + " FROM types JOIN owners ON owners.id = ? WHERE types.name = ?";
        int id = insert(sql, name, birthDate, owner, type);
        return id == 0 ? Optional.empty() : Optional.of(id);
    }

    /** Empty when the pet is not this owner's. */
    Optional<Integer> addVisit(int owner, int pet, LocalDate date, String description) throws SQLException {
        String sql = "INSERT INTO visits (pet_id, visit_date, description) SELECT id, ?, ? FROM pets"
                + " WHERE id = ? AND owner_id = ?";
        int id = insert(sql, date, description, pet, owner);
        return id == 0 ? Optional.empty() : Optional.of(id);
    }

    private int insert(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS)) {
            for (int at = 0; at < values.length; at++) {
                statement.setObject(at + 1, values[at]);
            }
            if (statement.executeUpdate() == 0) {
                return 0;
            }
            try (ResultSet keys = statement.getGeneratedKeys()) {
                keys.next();
                return keys.getInt(1);
            }
        }
    }
}
