"""What a stranger's config, story, model or run folder may try, and the tests that hold against it.

`ATTACKS` is the list; here are those of its tests that belong to no other file.
"""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from sframes_tui.cli import main
from sframes_tui.config.program import find_program
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.beside import trust
from sframes_tui.run.beside.viewer import Viewer
from sframes_tui.run.record.folder import RunFolder
from tests import named_tests
from tests.plan.test_plan import DDIM, config, story

ATTACKS = {
    "commands named by a config": [
        "tests/test_cli.py::test_a_viewer_nobody_allowed_is_refused_with_exit_code_3",
        "tests/run/beside/test_viewer.py::test_trust_is_for_these_commands_in_this_file_alone",
        "tests/run/beside/test_viewer.py::test_an_answer_holds_once_for_good_or_never_and_an_edit_asks_again",
        "tests/run/beside/test_viewer.py::test_without_a_viewer_preview_stop_is_never_run_and_needs_no_trust",
        "tests/run/test_execute.py::test_a_strangers_run_tells_nobody_of_its_end_unless_that_was_allowed",
        "tests/test_attacks.py::test_a_config_that_sends_word_is_refused_like_one_that_runs_something",
        "tests/test_attacks.py::test_a_configurations_program_is_never_one_of_the_working_directory",
        "tests/config/test_program.py::test_a_bare_name_is_never_one_of_the_working_directory",
        "tests/config/test_program.py::test_what_was_changed_since_is_not_started",
        "tests/config/test_program.py::test_a_file_that_cannot_be_looked_at_is_not_started",
        "tests/run/beside/test_viewer.py::test_trust_is_for_what_the_program_beside_the_file_holds",
        "tests/run/beside/test_viewer.py::test_what_is_swapped_while_it_is_asked_about_is_not_what_was_allowed",
        "tests/run/beside/test_viewer.py::test_a_store_that_others_can_write_counts_for_nothing_and_is_begun_anew",
        "tests/run/beside/test_viewer.py::test_a_store_that_is_no_plain_file_allows_nothing_and_hangs_nobody",
        "tests/run/beside/test_viewer.py::test_programs_run_in_a_folder_where_relative_names_mean_nothing",
    ],
    "shell syntax in names": ["tests/test_attacks.py::test_names_never_reach_a_shell"],
    "web addresses that lead elsewhere": [
        "tests/run/beside/test_notify.py::test_nothing_is_sent_to_where_an_answer_redirects",
        "tests/run/beside/test_notify.py::test_only_plain_web_addresses_are_addresses",
        "tests/run/beside/test_notify.py::test_a_server_that_never_answers_is_left_alone_in_time",
        "tests/config/test_address.py::test_what_cannot_be_sent_is_refused_when_it_is_given",
        "tests/config/test_address.py::test_whatever_is_accepted_http_client_can_send",
    ],
    "passwords in addresses": [
        "tests/run/beside/test_notify.py::test_a_user_and_password_are_basic_authentication_and_never_told",
        "tests/run/beside/test_viewer.py::test_no_question_and_no_refusal_shows_a_password",
        "tests/test_attacks.py::test_a_password_in_an_address_is_nowhere_in_what_is_told_or_written",
        "tests/config/test_file.py::test_a_password_is_not_repeated_when_its_option_is_refused",
    ],
    "modules in the working folder": ["tests/test_attacks.py::test_modules_in_the_working_folder_are_not_imported"],
    "regexes without end, or without measure": [
        "tests/text/test_split.py::test_a_catastrophic_regex_is_an_error_within_a_second",
        "tests/text/test_split.py::test_all_chapters_share_one_time_limit",
        "tests/text/test_split.py::test_a_regex_that_can_not_be_compiled_is_refused",
        "tests/text/test_split.py::test_a_regex_that_searches_backwards_is_bounded_too",
        "tests/ui/test_program.py::test_leaving_does_not_wait_for_the_search_of_a_strangers_text",
    ],
    "links in a configuration's place": [
        "tests/config/test_document.py::test_saving_follows_no_link_that_leads_out_of_the_folder",
    ],
    "names that lead out of the output folder": [
        "tests/plan/test_names.py::test_names_are_safe_and_distinct_whatever_the_texts",
        "tests/run/record/test_folder.py::test_a_key_cannot_lead_out_of_the_output_folder",
        "tests/run/record/test_plain_folder.py::test_other_names_are_not",
        "tests/run/record/test_tree.py::test_a_name_that_no_file_has_is_never_used",
        "tests/run/record/test_hostile_folder.py::test_a_grid_by_a_name_that_leads_out_is_refused_and_moved_nowhere",
        "tests/run/record/test_hostile_folder.py::test_the_programs_own_files_are_no_grids",
        "tests/run/record/test_hostile_folder.py::test_a_journal_that_names_another_copy_deletes_nothing",
        "tests/run/record/test_hostile_folder.py::test_only_the_copy_that_the_program_wrote_is_deleted",
        "tests/run/record/test_folder.py::test_hidden_pictures_go_when_only_grids_are_kept",
    ],
    "control characters and markup": [
        "tests/test_attacks.py::test_nothing_foreign_reaches_the_terminal_or_the_log_raw",
        "tests/test_cli.py::test_escape_sequences_in_a_story_are_shown_not_sent",
        "tests/test_raw_output.py::test_a_run_tells_of_itself_harmlessly_and_of_paths_byte_by_byte",
        "tests/test_raw_output.py::test_drawing",
        "tests/test_raw_output.py::test_a_run_in_a_folder_that_is_called_badly",
        "tests/test_raw_output.py::test_what_is_not_there",
        "tests/test_raw_output.py::test_help",
        "tests/test_raw_output.py::test_orders_and_watching_another_process",
        "tests/test_raw_output.py::test_above_the_progress_bar_of_a_terminal",
        "tests/test_raw_output.py::test_commands_that_a_configuration_names",
        "tests/test_raw_output.py::test_a_script_and_a_picture",
        "tests/test_raw_output.py::test_the_environment",
        "tests/test_raw_output.py::test_a_fault_of_the_program",
        "tests/test_raw_output.py::test_threads_and_whoever_writes",
        "tests/test_raw_output.py::test_every_event_is_one_harmless_line",
        "tests/test_raw_output.py::test_a_sinks_line_does_nothing_to_a_terminal",
        "tests/ui/test_hostile.py::test_a_hostile_story_is_planned_drawn_and_shown_harmlessly",
    ],
    "pickles": ["tests/engine/loading/test_vetting.py::test_pickled_weights_are_refused"],
    "code that comes with a model": [
        "tests/engine/loading/test_vetting.py::test_code_in_a_folder_is_refused",
        "tests/engine/loading/test_vetting.py::test_classes_of_other_libraries_are_refused",
        "tests/engine/loading/test_vetting.py::test_parts_outside_the_folder_are_refused",
        "tests/engine/loading/test_vetting.py::test_a_part_that_is_a_pipeline_of_its_own_is_refused",
        "tests/engine/loading/test_vetting.py::test_a_class_that_only_finds_another_is_refused",
    ],
    "models whose settings fetch or run something": [
        "tests/engine/loading/test_vetting.py::test_settings_that_make_a_library_fetch_or_run_something_are_refused",
        "tests/engine/loading/test_vetting.py::test_an_adapter_that_names_another_model_is_refused",
        "tests/engine/loading/test_vetting.py::test_loading_a_model_opens_its_own_files_and_connects_to_nothing",
        "tests/engine/loading/test_vetting.py::test_a_model_card_leads_to_no_models_but_the_hubs",
        "tests/engine/test_connected.py::test_what_a_model_card_names_is_looked_over_as_well",
        "tests/engine/loading/test_model_settings.py::test_every_key_of_diffusers_classes_is_a_bounded_number_or_was_looked_at",
        "tests/engine/loading/test_model_settings.py::test_every_text_that_transformers_configurations_take_was_looked_at",
        "tests/engine/loading/test_model_settings.py::test_every_key_that_the_loaders_read_is_refused_or_was_looked_at",
    ],
    "links and special files in a model": [
        "tests/model/test_files.py::test_no_link_leads_out_of_a_model_folder",
        "tests/model/test_files.py::test_a_forged_cache_leads_nowhere",
        "tests/model/test_files.py::test_blobs_that_are_links_themselves_lead_nowhere",
        "tests/model/test_files.py::test_a_snapshot_that_is_a_link_is_read_as_the_libraries_read_it",
        "tests/model/test_files.py::test_a_revision_is_no_path",
        "tests/model/test_files.py::test_a_fingerprint_tells_nothing_of_what_a_link_leads_to",
        "tests/model/test_weight_kind.py::test_a_pipe_in_the_place_of_weights_hangs_nobody",
        "tests/model/test_files.py::test_a_pipe_in_a_configurations_place_hangs_nobody",
        "tests/engine/loading/test_vetting.py::test_a_notice_is_shown_harmlessly_and_never_read_through_a_link",
    ],
    "models that use up memory": [
        "tests/engine/loading/test_vetting.py::test_the_schedulers_numbers_are_bounded_too",
        "tests/engine/loading/test_vetting.py::test_pictures_without_measure_are_no_models_own",
        "tests/engine/loading/test_vetting.py::test_a_window_that_fills_the_memory_is_refused",
        "tests/engine/loading/test_model_settings.py::test_numbers_without_measure_are_refused",
        "tests/engine/loading/test_tokenizer_files.py::test_a_tokenizer_that_hangs_or_grows_is_refused",
        "tests/engine/loading/test_tokenizer_files.py::test_expressions_that_may_never_end_are_refused",
        "tests/engine/loading/test_vetting.py::test_what_is_no_number_where_one_belongs_is_named",
        "tests/model/test_files.py::test_what_the_libraries_read_whole_is_bounded",
        "tests/model/test_files.py::test_json_that_is_none_is_one_sentence",
        "tests/engine/loading/test_vetting.py::test_a_configuration_that_asks_for_too_much_is_refused",
        "tests/engine/loading/test_vetting.py::test_damaged_weights_are_told",
        "tests/engine/test_models.py::test_a_checkpoint_whose_tensors_have_no_sides_is_one_sentence",
    ],
    "weights that are no numbers": [
        "tests/engine/test_probe.py::test_what_would_spoil_every_frame_is_refused_in_one_sentence",
    ],
    "picture bombs, broken pictures, special files": [
        "tests/run/record/test_stored_picture.py::test_a_bomb_is_refused_before_it_is_decoded",
        "tests/run/record/test_stored_picture.py::test_a_picture_put_together_to_do_harm_is_one_sentence",
        "tests/run/record/test_stored_picture.py::test_what_is_no_part_of_the_pixels_is_not_looked_at",
        "tests/run/test_resume.py::test_a_base_that_is_no_picture_is_drawn_again_before_what_is_drawn_from_it",
        "tests/run/test_resume.py::test_a_picture_that_no_grid_can_show_is_named",
        "tests/run/test_resume.py::test_a_base_of_another_size_than_the_models_is_named",
        "tests/run/record/test_stored_picture.py::test_broken_files_are_refused",
        "tests/run/record/test_stored_picture.py::test_links_pipes_folders_and_devices_are_no_pictures",
    ],
    "pipes and devices as config, story or model": [
        "tests/text/test_source.py::test_special_files_are_refused_without_opening_them",
        "tests/engine/loading/test_vetting.py::test_a_special_file_is_refused",
        "tests/test_attacks.py::test_pipes_and_devices_are_no_config_and_no_model",
        "tests/test_convert.py::test_what_is_no_plain_small_file_is_one_sentence_without_waiting",
        "tests/text/test_source.py::test_a_file_that_only_the_system_reads_is_one_sentence",
    ],
    "links, pipes and forged records in a run folder": [
        "tests/run/record/test_plain_folder.py::test_a_link_is_refused_wherever_it_lies",
        "tests/run/beside/test_attach.py::test_links_are_not_read_through",
        "tests/run/beside/test_attach.py::test_pipes_are_not_waited_for",
        "tests/run/beside/test_attach.py::test_a_link_that_comes_between_the_look_and_the_reading_is_not_followed",
        "tests/run/beside/test_attach.py::test_whatever_is_named_as_a_run_is_one_sentence",
        "tests/test_attacks.py::test_a_link_in_a_pictures_place_is_replaced_not_followed",
        "tests/run/record/test_plain_folder.py::test_a_pipe_in_the_journals_place_hangs_nobody",
        "tests/run/record/test_journal.py::test_a_strangers_record_is_refused_with_a_sentence",
        "tests/run/record/test_journal.py::test_a_take_that_a_stranger_numbered_leaves_room_for_others",
        "tests/fuzz/test_journal.py::test_a_forged_run_goes_on_to_its_end",
        "tests/run/record/test_journal.py::test_lone_surrogates_of_any_place_are_told_as_characters",
    ],
    "recipes in pictures": [
        "tests/run/record/test_png.py::test_a_strangers_recipe_is_refused_in_a_sentence",
        "tests/run/record/test_png.py::test_what_is_no_recipe_is_refused_in_a_sentence",
        "tests/run/record/test_png.py::test_a_base_that_is_no_file_beside_the_picture_is_not_looked_for",
        "tests/engine/test_again.py::test_no_model_is_fetched_because_a_recipe_names_it",
        "tests/engine/test_again.py::test_a_base_of_another_size_than_the_models_is_refused",
    ],
    "journals of any size": [
        "tests/run/record/test_journal.py::test_of_a_sentence_without_end_the_begin_is_told",
        "tests/run/record/test_journal.py::test_a_record_with_very_many_faults_takes_no_memory_for_each",
        "tests/run/record/test_journal.py::test_what_lies_behind_the_torn_place_costs_nothing",
        "tests/run/record/test_journal.py::test_a_line_of_any_length_is_refused_before_it_is_read_whole",
        "tests/run/record/test_journal.py::test_lines_that_are_no_records_end_what_counts",
        "tests/run/record/test_journal.py::test_a_journal_tells_no_more_than_its_run_can_have_done",
        "tests/run/beside/test_retell.py::test_a_list_of_runs_reads_so_much_of_their_journals_and_no_more",
        "tests/run/record/test_journal.py::test_what_is_written_while_it_is_read_is_left_for_the_next_time",
        "tests/run/record/test_journal.py::test_a_reader_follows_what_is_written_and_bears_that_it_is_cut",
    ],
    "answers and clients at a run's socket": [
        "tests/run/beside/test_control_socket.py::test_what_is_no_status_is_one_sentence",
        "tests/run/beside/test_control_socket.py::test_any_answer_is_refused_or_can_be_told",
        "tests/run/beside/test_control_socket.py::test_a_server_that_drips_is_heard_for_so_long_and_no_longer",
        "tests/run/beside/test_control_socket.py::test_a_client_that_drips_is_heard_for_so_long_and_no_longer",
        "tests/run/beside/test_control_socket.py::test_a_crowd_of_clients_takes_few_threads_and_the_run_is_steered_after_it",
        "tests/run/beside/test_control_socket.py::test_what_is_no_socket_of_a_run_is_named_and_gets_no_order",
        "tests/run/beside/test_control_socket.py::test_through_a_link_to_another_hidden_folder_nobody_is_asked_and_nothing_made_or_removed",
        "tests/run/beside/test_control_socket.py::test_a_hidden_folder_that_is_exchanged_meanwhile_is_left_alone",
        "tests/run/beside/test_control_socket.py::test_an_answer_of_another_user_is_not_heard_but_by_root_of_the_folders_owner",
        "tests/run/beside/test_control_socket.py::test_another_user_is_not_answered",
        "tests/run/beside/test_control_socket.py::test_whatever_takes_the_sockets_place_the_run_ends_well",
        "tests/run/beside/test_attach.py::test_a_watcher_is_told_once_why_a_run_can_not_be_asked",
    ],
    "a run folder that changes while it is drawn": [
        "tests/run/record/test_tree.py::test_a_link_that_took_a_folders_place_since_is_not_followed",
        "tests/run/record/test_tree.py::test_hidden_files_are_not_written_through_a_link",
        "tests/run/record/test_tree.py::test_the_folder_itself_may_be_moved_and_is_still_the_one_that_is_written_into",
        "tests/run/record/test_tree.py::test_a_file_that_is_a_link_is_replaced_or_removed_and_never_opened",
        "tests/run/record/test_hostile_folder.py::test_hidden_files_that_become_a_link_while_the_model_loads_are_not_followed",
        "tests/run/record/test_hostile_folder.py::test_a_variants_folder_that_becomes_a_link_is_not_followed",
    ],
    "hard links to the user's own files": [
        "tests/run/record/test_plain_folder.py::test_a_hard_link_is_refused_unless_its_other_name_is_an_old_take",
        "tests/run/record/test_tree.py::test_a_hard_link_is_not_written_and_a_pipe_hangs_nobody",
        "tests/run/record/test_hostile_folder.py::test_a_link_in_a_files_place_is_a_sentence_and_not_written_through",
    ],
    "other users of the machine": [
        "tests/run/record/test_plain_folder.py::test_looking_at_a_run_whose_lock_is_a_link_leaves_what_it_names_alone",
        "tests/run/record/test_tree.py::test_files_are_as_private_as_the_folder_and_hidden_ones_the_users_own",
        "tests/run/record/test_tree.py::test_a_lock_is_for_one_process_and_for_the_file_of_that_name",
        "tests/run/record/test_hostile_folder.py::test_a_run_is_as_private_as_its_story_and_its_hidden_files_are_the_users_own",
        "tests/run/record/test_hostile_folder.py::test_a_lock_is_blamed_on_nobody_who_is_gone",
        "tests/run/record/test_hostile_folder.py::test_another_user_cannot_hold_the_lock",
    ],
    "encodings": [
        "tests/text/test_source.py::test_text_that_can_not_be_used",
        "tests/text/test_source.py::test_nul_characters_are_refused_with_the_offset",
        "tests/text/test_source.py::test_line_ends_become_one_and_only_those",
        "tests/test_cli.py::test_text_with_lone_surrogates_is_refused",
        "tests/test_convert.py::test_an_encoding_that_no_script_has_is_one_sentence",
    ],
    "config bombs": [
        "tests/test_cli.py::test_config_bombs_are_told_at_once",
        "tests/config/test_file.py::test_the_file_itself_may_be_at_fault",
        "tests/test_attacks.py::test_odd_toml_is_one_sentence",
        "tests/config/test_file.py::test_monsters_are_one_sentence_and_can_be_opened_and_saved",
        "tests/config/test_file.py::test_monsters_of_the_command_line_are_one_sentence",
        "tests/plan/test_names.py::test_very_many_equal_tags_are_numbered_fast",
    ],
    "books as zip and xml bombs": [
        "tests/text/test_epub.py::test_a_zip_bomb_that_lies_about_its_size_is_refused",
        "tests/text/test_epub.py::test_entities_of_the_document_type_are_not_loaded",
        "tests/text/test_epub.py::test_a_nested_navigation_document_is_walked_once",
        "tests/text/test_epub.py::test_a_nested_ncx_is_walked_once",
        "tests/text/test_epub.py::test_a_spine_of_very_many_items_is_refused_as_that",
        "tests/text/test_epub.py::test_a_file_that_the_spine_lists_often_is_read_once",
        "tests/text/test_epub.py::test_very_many_chapters_are_split_without_blaming_the_regex",
        "tests/text/test_epub.py::test_a_namespace_as_long_as_a_book_does_not_multiply",
        "tests/text/test_epub.py::test_very_many_comments_and_tags_are_read_fast_or_refused",
        "tests/text/test_epub.py::test_names_as_long_as_books_are_refused",
    ],
    "links put in place while a run goes on": [
        "tests/processes/test_written_places.py::test_a_hostile_folder_is_gone_on_with_in_itself_or_refused",
        "tests/processes/test_written_places.py::test_what_is_swapped_during_a_run_leads_nowhere",
        "tests/processes/test_written_places.py::test_neither_does_drawing_with_a_model_write_elsewhere",
    ],
    "run folders and names on the screen": [
        "tests/ui/test_hostile_folders.py::test_a_strangers_run_folder_is_looked_at_harmlessly",
        "tests/ui/test_hostile_folders.py::test_the_list_of_runs_shows_hostile_names_as_they_are",
        "tests/ui/test_hostile_folders.py::test_a_folder_of_hostile_names_is_listed_in_the_file_dialogue",
    ],
    "themes and key files": [
        "tests/ui/test_themes.py::test_a_bad_file_is_told_of_and_the_others_are_loaded",
        "tests/ui/test_themes.py::test_pipes_and_devices_are_no_themes_and_no_keys",
        "tests/ui/test_themes.py::test_what_a_key_file_says_wrongly_is_told_in_few_short_lines",
        "tests/fuzz/test_keys_and_themes.py::test_values_of_themes",
    ],
    "what a terminal sends, and what is pasted": [
        "tests/ui/test_program.py::test_hostile_input_ends_nothing_and_is_never_echoed_raw",
        "tests/fuzz/test_terminal_answers.py::test_what_is_pasted_presses_no_keys",
        "tests/fuzz/test_terminal_answers.py::test_input_as_the_screen_gets_it",
    ],
    "links where the program remembers things": [
        "tests/test_plain_file.py::test_what_is_written_replaces_a_planted_link_and_is_its_owners_alone",
        "tests/process/test_stray_output.py::test_a_link_in_the_files_place_is_not_followed",
        "tests/process/test_stray_output.py::test_a_state_folder_that_takes_nothing_is_no_reason_to_end",
    ],
    "an output that can't be written": [
        "tests/run/test_execute.py::test_an_output_that_can_not_be_is_refused_before_the_model_loads",
        "tests/run/test_execute.py::test_a_full_disk_at_the_start_is_refused_before_the_model_loads",
    ],
    "two processes and one run folder": [
        "tests/processes/test_resume.py::test_a_killed_run_is_held_by_nobody_and_ends_with_the_same_bytes",
    ],
    "files of wrong bytes, records and values, by the thousand": [
        "tests/fuzz/test_journal.py::test_records",
        "tests/fuzz/test_configuration.py::test_values",
        "tests/fuzz/test_picture.py::test_chunks",
        "tests/fuzz/test_picture.py::test_recipes",
        "tests/fuzz/test_remembered.py::test_terminals",
        "tests/fuzz/test_script.py::test_values",
        "tests/fuzz/test_splitting.py::test_patterns",
        "tests/fuzz/test_epub.py::test_nests",
        "tests/fuzz/test_socket.py::test_values_of_answers",
        "tests/fuzz/test_socket.py::test_requests",
        "tests/fuzz/test_model.py::test_what_is_looked_at_before_loading",
        "tests/fuzz/test_model.py::test_loading",
        "tests/fuzz/test_model.py::test_headers_of_weights",
        "tests/fuzz/test_text.py::test_bytes",
    ],
    "texts of any size": [
        "tests/text/test_source.py::test_a_huge_file_is_refused_unread",
        "tests/text/test_split.py::test_endless_pieces_are_refused",
        "tests/text/test_split.py::test_pieces_that_are_only_looked_at_have_an_end_too",
        "tests/text/test_source.py::test_the_encoding_of_a_line_as_long_as_a_book_is_looked_for_in_a_part_of_it",
        "tests/test_cli.py::test_more_frames_than_memory_holds_are_refused",
    ],
}

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = "\x1b]52;c;cm0=\x07[red]\x9b31m\u202e[/x][@click=app.bell]x[/]"
RAW = ("\x1b", "\x07", "\x9b", "\u202e")


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_held_by_tests_that_exist(attack):
    assert named_tests.missing(ATTACKS[attack]) == []


def toml(text):
    """A TOML string; TOML's own escapes are JSON's."""
    return json.dumps(text)


@pytest.fixture
def write(tmp_path):
    """Writes a story and a configuration that draws it small and fast; returns the configuration's path."""

    def _write(text="a boat\n", key="story", style="oil", tag="oil", more=""):
        (tmp_path / "story.txt").write_text(text)
        path = tmp_path / "my.toml"
        path.write_text(
            f"[prompt_config]\nsource = 'story.txt'\nkey = {toml(key)}\n[generation_config]\n"
            f"model = 'builtin:picturebook'\nnum_inference_steps = 1\nseed = 1\nrows = 1\n{more}\n"
            f"[[style_configs]]\nstyle = {toml(style)}\nfile_tag = {toml(tag)}\nweight = 1.0\n"
        )
        return path

    return _write


def tui(path, *arguments, cwd=ROOT):
    command = [sys.executable, str(ROOT / "tui.py"), str(path), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, cwd=cwd, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_nothing_foreign_reaches_the_terminal_or_the_log_raw(write, tmp_path, form):
    path = write(f"{HOSTILE}\n", HOSTILE, HOSTILE, HOSTILE, f"negative_prompt = {toml(HOSTILE)}")
    done = tui(path, "--batch", "--output", tmp_path / "out", *form)
    assert done.returncode == 0, done.stderr
    told = [done.stdout, done.stderr, *(log.read_bytes() for log in (tmp_path / "out").rglob("*.log"))]
    names = [str(found).encode() for found in (tmp_path / "out").rglob("*")]
    assert len(names) > 4
    for text in (*told, *names):
        assert not [raw for raw in RAW if raw in text.decode()], text


def test_a_config_that_sends_word_is_refused_like_one_that_runs_something(write, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "STORE", tmp_path / "trusted")
    path = write(more='notify = "http://127.0.0.1:9/x"')
    assert main([str(path), "--batch"]) == 3
    assert "wants to send word to 'http://127.0.0.1:9/x'" in capsys.readouterr().err
    path = write(more=f'notify = "touch {tmp_path}/pwned"')
    assert main([str(path), "--batch"]) == 3
    assert not (tmp_path / "pwned").exists()


def test_the_users_own_word_on_the_command_line_needs_no_trust(write, tmp_path):
    record = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    (tmp_path / "record.py").write_text(record)
    notify = f"{sys.executable} {tmp_path}/record.py {tmp_path}/told"
    done = tui(write(), "--batch", "--output", tmp_path / "out", "--notify", notify)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text().startswith("1 picture drawn in ")
    (run,) = (tmp_path / "out").rglob("run.toml")
    assert "notify" not in run.read_text()


def test_names_never_reach_a_shell(tmp_path):
    hostile = f"$(touch {tmp_path}/pwned);`touch {tmp_path}/pwned`|touch {tmp_path}/pwned 'x\".png"
    script = 'import sys; open(sys.argv[1], "w").write(sys.argv[2])'
    program = find_program(f"{sys.executable} -c '{script}'", tmp_path)
    viewer = Viewer(program, None, 1, pytest.fail)
    window = viewer._start(program, str(tmp_path / "told"), hostile)
    assert window.wait() == 0
    assert (tmp_path / "told").read_text() == hostile
    assert not (tmp_path / "pwned").exists()


def test_modules_in_the_working_folder_are_not_imported(write, tmp_path):
    for name in ("regex", "torch", "PIL", "sitecustomize", "sframes_tui"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')")
    done = tui(write(), "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("suffix", ["", ".safetensors", ".toml"])
def test_pipes_and_devices_are_no_config_and_no_model(write, capsys, tmp_path, suffix):
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    assert main([str(pipe), "--dry-run"]) == 2
    assert main([str(write()), "--dry-run", "--model", str(pipe)]) == 2
    assert main(["/dev/zero", "--dry-run"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_link_in_a_pictures_place_is_replaced_not_followed(tmp_path):
    plan = make_plan(config(1), story(1), DDIM, 1)
    folder = RunFolder.create(tmp_path, plan, datetime(2026, 1, 2))
    precious = tmp_path / "precious"
    precious.write_text("mine")
    picture = folder.picture(plan.frames[0])
    picture.symlink_to(precious)
    folder.write(folder.picture_file(plan.frames[0]), b"picture")
    folder.close()
    assert precious.read_text() == "mine"
    assert picture.read_bytes() == b"picture"
    assert not picture.is_symlink()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (f"rows = {'[' * 5000}{']' * 5000}", "nest"),
        ("guidance_scale = nan", "guidance_scale"),
        ("guidance_scale = inf", "guidance_scale"),
        ("rows = 1\nrows = 2", "cannot overwrite a value"),
        ("trust_remote_code = true", "trust_remote_code"),
    ],
)
def test_odd_toml_is_one_sentence(write, capsys, more, said):
    path = write()
    path.write_text(path.read_text().replace("rows = 1\n", f"{more}\n"))
    assert main([str(path), "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_configurations_program_is_never_one_of_the_working_directory(write, tmp_path, monkeypatch):
    working = tmp_path / "working"
    working.mkdir()
    for name in ("view.sh", "feh"):
        (working / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
        (working / name).chmod(0o755)
    (tmp_path / "view.sh").write_text(f"#!/bin/sh\necho $1 >> {tmp_path}/shown\n")
    (tmp_path / "view.sh").chmod(0o755)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}")
    path = write(more="preview = './view.sh'\nnotify = 'feh'")
    assert b"allowed: " + str(tmp_path / "view.sh").encode() in tui("trust", path, cwd=working).stdout
    done = tui(path, "--batch", "--output", tmp_path / "out", cwd=working)
    assert done.returncode == 0, done.stderr
    assert b"could not be told to 'feh'" in done.stderr
    assert (tmp_path / "shown").read_text().endswith("oil 0-0.png\n")
    assert not (tmp_path / "pwned").exists()
    (run,) = (tmp_path / "out").rglob("run.toml")
    assert tui("resume", run.parent, "--batch", cwd=working).returncode == 0
    (tmp_path / "view.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    for command in ((path, "--batch"), ("resume", run.parent, "--batch")):
        assert tui(*command, cwd=working).returncode == 3
    assert not (tmp_path / "pwned").exists()


def test_a_password_in_an_address_is_nowhere_in_what_is_told_or_written(write, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    address = "http://me:s3cret@127.0.0.1:9/x"
    path = write(more=f"notify = '{address}'")
    outputs = [tui(path, "--dry-run"), tui(path, "--batch"), tui("trust", path)]
    outputs.append(tui(path, "--batch", "--output", tmp_path / "out"))
    outputs.append(tui(write(), "--batch", "--output", tmp_path / "out", "--notify", address))
    outputs.append(tui(write(), "--dry-run", "--notify", "http://me:s3cret@127.0.0.1:99999/x"))
    outputs.append(tui(write(), "--dry-run", "--set", f"generation_config.notify={address}"))
    assert [done.returncode for done in outputs] == [0, 3, 0, 0, 0, 2, 2], outputs
    assert b"127.0.0.1" in outputs[1].stderr
    for run in (tmp_path / "out").rglob("run.toml"):
        outputs += [tui(command, run.parent) for command in ("status", "attach")]
    written = [file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert len(written) > 8
    for text in (*written, *(done.stdout + done.stderr for done in outputs)):
        assert b"s3cret" not in text
